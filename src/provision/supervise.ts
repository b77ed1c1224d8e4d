import type { ChildProcess } from 'node:child_process'
import { OutputLines } from './output-lines.ts'
import type { OnLine } from './sandbox.ts'

/** How long a child may take to end everything before it is killed itself, which ends everything less tidily. */
const GRACE = 10_000

export interface Supervision {
  readonly onLine: OnLine
  /** Makes the child end, with all that it has started. Called when `stop` aborts, or `onLine` throws. */
  readonly end: () => void
  readonly stop?: AbortSignal | undefined
}

/**
 * Streams the output of a child by lines until it and its pipes are at their end.
 * @returns what `onLine` threw, if it did: everything was ended then
 * @throws the system's error when the child could not be started
 */
export async function supervise(
  child: ChildProcess,
  { onLine, end, stop }: Supervision,
): Promise<{ readonly lineError?: unknown }> {
  let failure: { lineError: unknown } | undefined
  let force: NodeJS.Timeout | undefined
  const kill = () => {
    end()
    force ??= setTimeout(() => child.kill('SIGKILL'), GRACE)
  }
  const guarded: OnLine = (stream, line) => {
    if (failure !== undefined) return
    try {
      onLine(stream, line)
    } catch (error) {
      failure = { lineError: error }
      kill()
    }
  }
  stop?.addEventListener('abort', kill, { once: true })
  if (stop?.aborted) kill()
  try {
    await ended(child, guarded)
    return failure ?? {}
  } finally {
    stop?.removeEventListener('abort', kill)
    clearTimeout(force)
  }
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
