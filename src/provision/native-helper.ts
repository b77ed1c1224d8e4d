import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, constants } from 'node:fs/promises'
import type { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { OcibakeError, systemCode } from '../errors.ts'
import type { SandboxRefusal } from './sandbox.ts'

/** native/ocibake-sandbox.c, native/trace/trace.c */
export type NativeProgram = 'ocibake-sandbox' | 'ocibake-trace'

/**
 * The host path of our native program for this machine.
 * @throws SANDBOX_UNAVAILABLE when it was not built
 */
export async function nativeHelper(program: NativeProgram = 'ocibake-sandbox'): Promise<string> {
  const target = `${process.platform}-${process.arch}`
  // The same two folders up from src/provision/ and from dist/provision/.
  const path = fileURLToPath(new URL(`../../native/bin/${target}/${program}`, import.meta.url))
  try {
    await access(path, constants.X_OK)
    return path
  } catch (error) {
    const code = systemCode(error) ?? 'unknown'
    throw new OcibakeError(
      'SANDBOX_UNAVAILABLE',
      `The sandbox program ${program} for ${target} cannot be used: ${code}.`,
      {
        hint: 'Build it with a C compiler (Debian: apt-get install gcc libc6-dev): scripts/build-native.sh',
        cause: error,
      },
    )
  }
}

/** As `nativeHelper`; what is missing when there is none. */
export async function helperOrRefusal(program?: NativeProgram): Promise<string | SandboxRefusal> {
  try {
    return await nativeHelper(program)
  } catch (error) {
    if (!(error instanceof OcibakeError)) throw error
    return { missing: error.message.replace(/\.$/, ''), hint: error.hint ?? '' }
  }
}

/** What a verb of the helper works on. */
export interface HelperRequest {
  /** 'lay-out', 'survey', …: native/ocibake-sandbox.c has the list. */
  readonly verb: string
  /** Absolute. */
  readonly folder: string
  /** What it reads on fd 0. Default: nothing. */
  readonly input?: Iterable<Uint8Array> | AsyncIterable<Uint8Array>
  /** Open files that it has as fd 3, 4, … */
  readonly descriptors?: readonly number[]
}

/**
 * What a verb of the helper answers, as it comes. When this ends, however it does, the helper has ended.
 * @throws INTERNAL with what the helper says when it fails; what `input` throws; the reason of the signal
 */
export async function* helperAnswer(request: HelperRequest, signal: AbortSignal): AsyncGenerator<Buffer> {
  const { verb, folder, input = [], descriptors = [] } = request
  const stdio = ['pipe', 'pipe', 'pipe', ...descriptors] as const
  const program = await nativeHelper()
  signal.throwIfAborted()
  const child = spawn(program, [verb, folder], { env: {}, cwd: '/', stdio: [...stdio] })
  const kill = () => child.kill('SIGKILL')
  signal.addEventListener('abort', kill, { once: true })
  const closed = once(child, 'close')
  // The failure of `spawn` itself comes out of `closed`, where it is awaited.
  closed.catch(() => {})
  // For want of descriptors it has no streams at all.
  if (child.stdin === undefined) await closed
  const fed = feed(child.stdin!, input, kill)
  let said = ''
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  try {
    for await (const chunk of child.stdout!) yield chunk
    const [code] = await closed
    const inputError = await fed
    if (inputError !== undefined) throw inputError
    signal.throwIfAborted()
    if (code !== 0) throw failure(verb, said.trim() || `exit code ${code}`)
  } finally {
    signal.removeEventListener('abort', kill)
    kill()
    await closed.catch(() => {})
  }
}

/** Settles when all is written, or nobody reads any more. @returns what `input` threw, after which `kill` was called */
async function feed(to: Writable, input: NonNullable<HelperRequest['input']>, kill: () => void): Promise<unknown> {
  // A helper that fails reads no further, and says why itself.
  to.on('error', () => {})
  try {
    for await (const chunk of input) {
      if (to.destroyed) return undefined
      if (!to.write(chunk)) await drained(to)
    }
  } catch (error) {
    kill()
    return error
  } finally {
    to.end()
  }
  return undefined
}

function drained(to: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      to.off('drain', done).off('close', done)
      resolve()
    }
    to.on('drain', done).on('close', done)
  })
}

/** All of what a verb answers. @throws as `helperAnswer` */
export async function askHelper(request: HelperRequest, signal: AbortSignal): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(helperAnswer(request, signal)))
}

function failure(verb: string, said: string): OcibakeError {
  return new OcibakeError('INTERNAL', `The sandbox program failed to ${verb}: ${said}.`)
}
