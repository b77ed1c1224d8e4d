import { packagesBase } from './packages-base.ts'

/** `packagesBase` with Python and its bindings for apt, which knows redis-server. */
export function pythonBase(): Promise<string> {
  return packagesBase(['redis-server'], ['python3', 'python3-apt'])
}
