import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { OutputLines } from './output-lines.ts'
import type { OnLine } from './sandbox.ts'

/** How long the helper may take to end everything before it is killed itself, which ends everything less tidily. */
const GRACE = 10_000
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
  const lifeline = child.stdio[4] as Writable
  let lineError: unknown
  let force: NodeJS.Timeout | undefined
  const kill = () => {
    lifeline.destroy()
    force ??= setTimeout(() => child.kill('SIGKILL'), GRACE)
  }
  const guarded: OnLine = (stream, line) => {
    if (lineError !== undefined) return
    try {
      onLine(stream, line)
    } catch (error) {
      lineError = error
      kill()
    }
  }
  // The helper may die before it has read everything; its status says why.
  lifeline.on('error', () => {})
  lifeline.write(request)
  stop?.addEventListener('abort', kill, { once: true })
  if (stop?.aborted) kill()
  try {
    const [told, records] = [
      collect(child.stdio[3] as Readable),
      collect((child.stdio as readonly unknown[])[5] as Readable),
    ]
    await ended(child, guarded)
    const status = (await told).toString('utf8').trim()
    return { status, records: await records, ...(lineError === undefined ? {} : { lineError }) }
  } finally {
    stop?.removeEventListener('abort', kill)
    clearTimeout(force)
    lifeline.destroy()
  }
}

async function collect(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Streams the output, and waits until the process and its pipes are at their end. */
function ended(child: ChildProcess, onLine: OnLine): Promise<void> {
  const streams = (['stdout', 'stderr'] as const).map((name) => {
    const lines = new OutputLines((line) => onLine(name, line))
    child[name]!.on('data', (chunk: Buffer) => lines.push(chunk))
    return lines
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', () => {
      for (const lines of streams) lines.end()
      resolve()
    })
  })
}
