import { readFile } from 'node:fs/promises'
import type { SandboxCommand, SecretFile } from './sandbox.ts'

/** What a script's machine is called, wherever it runs. */
export const HOSTNAME = 'ocibake'

/** What a script may have of the host, as copies: how to reach the network. Path in the root -> file. */
export async function hostFiles(network: SandboxCommand['network']): Promise<Map<string, SecretFile>> {
  const files = new Map<string, SecretFile>()
  const add = (path: string, bytes: Uint8Array) => files.set(path, { bytes, mode: 0o644, uid: 0, gid: 0 })
  const none = () => Buffer.alloc(0)
  const hosts = network === 'none' ? Buffer.from('127.0.0.1\tlocalhost\n') : await readFile('/etc/hosts').catch(none)
  add('/etc/hosts', Buffer.concat([hosts, Buffer.from(`\n127.0.1.1\t${HOSTNAME}\n`)]))
  if (network === 'host') add('/etc/resolv.conf', await readFile('/etc/resolv.conf').catch(none))
  return files
}
