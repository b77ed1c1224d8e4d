import { basename, dirname, join } from 'node:path'
import { execa } from 'execa'

/** buildah mounts its store on itself and leaves it so: nobody could remove the folder without mounts of its own. */
const OWN_MOUNTS = ['--mount', '--propagation', 'private', '--']

const SCRIPT = `set -e
base=$(buildah $STORE pull --quiet "oci:$BASE")
for context; do
  name=$(basename "$context")
  buildah $STORE build --quiet --isolation chroot --tag "$name" --build-arg "BASE=$base" "$context"
  buildah $STORE push --quiet --format oci "$name" "oci:$OUT:$name"
done`

/**
 * Makes of each folder with a Dockerfile an image in the OCI layout `out`, with the folder's name as its tag; its ARG BASE is
 * the image of the tag `base` in the OCI layout of that path. @param folder for buildah's store
 */
export async function buildahImages(
  contexts: readonly string[],
  layout: string,
  out: string,
  folder: string,
): Promise<void> {
  const store = `--root ${join(folder, 'root')} --runroot ${join(folder, 'run')} --storage-driver vfs`
  await execa('unshare', [...OWN_MOUNTS, 'sh', '-c', SCRIPT, 'sh', ...contexts], {
    // It calls an image by its path, in which no capital may be.
    cwd: dirname(layout),
    env: { STORE: store, BASE: `${basename(layout)}:base`, OUT: out },
  })
}
