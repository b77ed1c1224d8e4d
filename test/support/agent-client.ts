import { existsSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { basename, dirname } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'

/** How a command of the agent ended, and what it wrote. */
export interface AgentAnswer {
  /** `x 0`, `s 9`, `f the image's …` */
  readonly end: string
  readonly out: Buffer
  readonly err: string
}

/** A connection to the agent at a host path of any length, which need not listen yet. */
export async function connectAgent(path: string): Promise<Socket> {
  while (!existsSync(path)) await sleep(10)
  await using folder = await open(dirname(path))
  const socket = connect({ path: `/proc/self/fd/${folder.fd}/${basename(path)}`, allowHalfOpen: true })
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  return socket
}

/** Asks for one thing, and gives `input` to it. */
export async function askAgent(
  path: string,
  order: readonly [verb: string, user: string, argument: string],
  input: Uint8Array | string = '',
): Promise<AgentAnswer> {
  const socket = await connectAgent(path)
  socket.write(`${order.join('\0')}\0`)
  socket.end(input)
  return decoded(await buffer(socket))
}

function decoded(bytes: Buffer): AgentAnswer {
  const parts: Record<string, Buffer[]> = { o: [], e: [] }
  for (let at = 0; at < bytes.length; ) {
    const kind = String.fromCharCode(bytes[at]!)
    const data = bytes.subarray(at + 5, at + 5 + bytes.readUInt32BE(at + 1))
    at += 5 + data.length
    if (kind in parts) parts[kind]!.push(data)
    else return { end: `${kind} ${data}`, out: Buffer.concat(parts.o!), err: Buffer.concat(parts.e!).toString() }
  }
  throw new Error('the agent ended in the middle of an answer')
}
