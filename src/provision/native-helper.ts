import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, constants } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { OcibakeError, systemCode } from '../errors.ts'

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
  signal.throwIfAborted()
  const stdio = ['pipe', 'pipe', 'pipe', ...descriptors] as const
  const child = spawn(await nativeHelper(), [verb, folder], { env: {}, cwd: '/', stdio: [...stdio] })
  const kill = () => child.kill('SIGKILL')
  signal.addEventListener('abort', kill, { once: true })
  const closed = once(child, 'close')
  // The failure of `spawn` itself comes out of `closed`, where it is awaited.
  closed.catch(() => {})
  let inputError: unknown
  const written = pipeline(Readable.from(input, { objectMode: true }), child.stdin!).catch((error: unknown) => {
    // A helper that fails reads no further, and says why itself.
    if (systemCode(error) === 'EPIPE' || systemCode(error) === 'ERR_STREAM_PREMATURE_CLOSE') return
    inputError = error
    kill()
  })
  let said = ''
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  try {
    for await (const chunk of child.stdout!) yield chunk
    const [code] = await closed
    await written
    if (inputError !== undefined) throw inputError
    signal.throwIfAborted()
    if (code !== 0) throw failure(verb, said.trim() || `exit code ${code}`)
  } finally {
    signal.removeEventListener('abort', kill)
    kill()
    await closed.catch(() => {})
  }
}

/** All of what a verb answers. @throws as `helperAnswer` */
export async function askHelper(request: HelperRequest, signal: AbortSignal): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(helperAnswer(request, signal)))
}

function failure(verb: string, said: string): OcibakeError {
  return new OcibakeError('INTERNAL', `The sandbox program failed to ${verb}: ${said}.`)
}
