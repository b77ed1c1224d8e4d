import { open, readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { basename, dirname } from 'node:path'
import { systemCode } from '../errors.ts'
import { nativeHelper } from './native-helper.ts'
import type { SandboxCommand } from './sandbox.ts'

/** On the sandbox's own /dev: never in the tree. */
const PROGRAM = '/dev/ocibake/agent'

/** What the agent runs as and with, and so the commands that it is asked for. */
export type AgentSurroundings = Pick<SandboxCommand, 'env' | 'workdir' | 'network' | 'timeout'>

/**
 * The command that runs native/agent/agent.c in a sandbox as root: until `tellToQuit` it does what clients of the UNIX
 * socket at the host path `socket` ask for. @param scratch absolute path in the image, there as long as the agent
 */
export async function agentCommand(
  socket: string,
  scratch: string,
  around: AgentSurroundings,
): Promise<SandboxCommand> {
  const bytes = await readFile(await nativeHelper())
  return {
    ...around,
    ...{ uid: 0, gid: 0, groups: [] },
    argv: [PROGRAM, 'agent', scratch],
    listen: socket,
    secrets: new Map([[PROGRAM, { bytes, mode: 0o555, uid: 0, gid: 0 }]]),
  }
}

/**
 * Has the agent end, and the sandbox with it: whether it does is seen there. @returns false when there is no agent yet
 */
export async function tellToQuit(socket: string): Promise<boolean> {
  // The path may be longer than an address can be.
  await using folder = await open(dirname(socket))
  const client = connect(`/proc/self/fd/${folder.fd}/${basename(socket)}`)
  client.end('quit\0\0\0')
  client.resume()
  return await new Promise((resolve) => {
    let isThere = true
    client.on('error', (error) => {
      isThere = systemCode(error) !== 'ENOENT'
    })
    client.on('close', () => resolve(isThere))
  })
}
