import { basename, dirname, join } from 'node:path'
import { execa } from 'execa'

/** buildah mounts its store on itself and leaves it so: nobody could remove the folder without mounts of its own. */
const OWN_MOUNTS = ['--mount', '--propagation', 'private', '--']

/**
 * Copying whole roots, as vfs does, takes three times as long, but works on every disk. Layers are unpacked once, and not
 * compressed for that.
 */
const SCRIPT = `set -e
STORE="$STORES/overlay --runroot $RUN --storage-driver overlay"
base=$(buildah --root $STORE pull --quiet "oci:$BASE") || {
  STORE="$STORES/vfs --runroot $RUN --storage-driver vfs"
  base=$(buildah --root $STORE pull --quiet "oci:$BASE")
}
for context; do
  name=$(basename "$context")
  buildah --root $STORE build --quiet --isolation chroot --tag "$name" --build-arg "BASE=$base" "$context"
  buildah --root $STORE push --quiet --format oci --disable-compression "$name" "oci:$OUT:$name"
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
  await execa('unshare', [...OWN_MOUNTS, 'sh', '-c', SCRIPT, 'sh', ...contexts], {
    // It calls an image by its path, in which no capital may be.
    cwd: dirname(layout),
    env: { STORES: folder, RUN: join(folder, 'run'), BASE: `${basename(layout)}:base`, OUT: out },
  })
}
