import { join } from 'node:path'
import { execa } from 'execa'

/** buildah mounts its store on itself and leaves it so: nobody could remove the folder without mounts of its own. */
const OWN_MOUNTS = ['--mount', '--propagation', 'private', '--']

const SCRIPT = `set -e
base=$(buildah $STORE pull --quiet "$BASE")
buildah $STORE build --quiet --isolation chroot --format docker --tag image --build-arg "BASE=$base" "$CONTEXT"
buildah $STORE push --quiet --format oci image "oci:$OUT"`

/**
 * Makes of a folder with a Dockerfile an image in the OCI layout `to`; its ARG BASE is the image `base` (`oci:layout:tag`).
 * @param folder for buildah's store
 */
export async function buildahImage(context: string, base: string, to: string, folder: string): Promise<void> {
  const store = `--root ${join(folder, 'root')} --runroot ${join(folder, 'run')} --storage-driver vfs`
  const env = { STORE: store, BASE: base, CONTEXT: context, OUT: to }
  await execa('unshare', [...OWN_MOUNTS, 'sh', '-c', SCRIPT], { env })
}
