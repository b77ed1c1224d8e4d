import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import type { OnLine } from './sandbox.ts'
import { supervise } from './supervise.ts'

/** fd 1 to 5. */
const PIPES = ['pipe', 'pipe', 'pipe', 'pipe', 'pipe'] as const

export interface HelperExit {
  /** What the helper wrote on fd 3 (native/ocibake-sandbox.c); empty when it was killed. */
  readonly status: string
  /** What it wrote on fd 5: records of owners (native/owners.h), of a sandbox that keeps them. */
  readonly records: Buffer
  /** What `onLine` threw; everything was killed then. */
  readonly lineError?: unknown
}

/**
 * Runs a sandbox verb of the helper to its end. When `stop` aborts, fd 4 is closed, upon which the helper kills every
 * process of the sandbox, tidies up and ends; so it does when this process is killed.
 * Settles when nothing of it is left.
 */
export async function runHelper(
  helper: string,
  args: readonly string[],
  request: Buffer,
  onLine: OnLine,
  stop?: AbortSignal,
): Promise<HelperExit> {
  // Sockets, all of them: the helper gives the script real pipes. Its own environment is empty, never the script's.
  const child = spawn(helper, args, { env: {}, stdio: ['ignore', ...PIPES], cwd: '/' })
  // It could not be started, for want of memory or descriptors; then it has none of them.
  if (child.stdio === undefined) throw await once(child, 'error').then(([error]) => error)
  const lifeline = child.stdio[4] as Writable
  // The helper may die before it has read everything; its status says why.
  lifeline.on('error', () => {})
  lifeline.write(request)
  try {
    const [told, records] = [
      collect(child.stdio[3] as Readable),
      collect((child.stdio as readonly unknown[])[5] as Readable),
    ]
    const failure = await supervise(child, { onLine, end: () => void lifeline.destroy(), stop })
    const status = (await told).toString('utf8').trim()
    return { status, records: await records, ...failure }
  } finally {
    lifeline.destroy()
  }
}

async function collect(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}
