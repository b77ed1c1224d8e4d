import { chmodSync, chownSync, mkdirSync } from 'node:fs'
import { cp, mkdtemp, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DOCKER_CAPABILITIES, inContainer, PODMAN_CAPABILITIES } from './container.ts'
import { AS_NOBODY, NOBODY } from './ordinary-user.ts'

/** What runs the command, and which sandbox it has to find. */
export interface Place {
  readonly sandbox: string
  readonly user: number
  readonly under: (folder: string) => readonly string[]
}

export const ROOT: Place = { sandbox: 'chroot', user: 0, under: () => [] }
export const ORDINARY: Place = { sandbox: 'userns', user: NOBODY, under: () => AS_NOBODY }
/** `podman run`: root, without mount(2) but in a user namespace, and parts of /proc hidden. */
export const PODMAN: Place = {
  ...{ sandbox: 'userns', user: 0 },
  under: (folder) => inContainer({ folder, uid: 0, gid: 0, capabilities: PODMAN_CAPABILITIES }),
}
/** `podman run --user 12345 --cap-drop all --security-opt no-new-privileges` */
export const PODMAN_USER: Place = {
  ...{ sandbox: 'userns', user: 12345 },
  under: (folder) => inContainer({ folder, uid: 12345, gid: 0, noNewPrivileges: true }),
}
/** `docker run`: root, who may chroot and make devices, and neither mount nor have a namespace. */
export const DOCKER: Place = {
  ...{ sandbox: 'ptrace', user: 0 },
  under: (folder) => inContainer({ folder, uid: 0, gid: 0, capabilities: DOCKER_CAPABILITIES, seccomp: 'docker' }),
}
/** Kubernetes' "restricted": no capability, no new privileges, no user namespace. */
export const RESTRICTED: Place = {
  ...{ sandbox: 'ptrace', user: 12345 },
  under: (folder) => inContainer({ folder, uid: 12345, gid: 0, noNewPrivileges: true, seccomp: 'docker' }),
}

/** A folder of whoever builds there, with a copy of the layout in it: `base`. `outer` is to be removed. */
export async function folderAt(
  place: Place,
  layout: string,
): Promise<{ readonly outer: string; readonly folder: string }> {
  const outer = await mkdtemp(join(tmpdir(), 'ocibake-sandboxes-'))
  chmodSync(outer, 0o755)
  const folder = join(outer, 'home')
  mkdirSync(folder)
  await cp(layout, join(folder, 'base'), { recursive: true })
  await giveTo(place.user, folder)
  return { outer, folder }
}

async function giveTo(user: number, folder: string): Promise<void> {
  chownSync(folder, user, user)
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
    chownSync(join(entry.parentPath, entry.name), user, user)
}
