/** For unshare(1). buildah mounts its store on itself and leaves it so: nobody could remove the folder. */
export const OWN_MOUNTS: readonly string[] = ['--mount', '--propagation', 'private', '--']
