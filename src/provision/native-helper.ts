import { access, constants } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { OcibakeError, systemCode } from '../errors.ts'
import type { SandboxRefusal } from './sandbox.ts'

const MAX_ANSWER = 1 << 30

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

/**
 * Runs a verb of the helper that reads a request and writes an answer.
 * @throws INTERNAL with what the helper says when it fails
 */
export async function askHelper(verb: string, folder: string, request: Buffer, signal: AbortSignal): Promise<Buffer> {
  const { execa } = await import('execa')
  const { exitCode, stdout, stderr } = await execa(await nativeHelper(), [verb, folder], {
    input: request,
    encoding: 'buffer',
    env: {},
    extendEnv: false,
    maxBuffer: MAX_ANSWER,
    stripFinalNewline: false,
    reject: false,
    cancelSignal: signal,
  })
  if (exitCode === 0) return Buffer.from(stdout)
  signal.throwIfAborted()
  const said = Buffer.from(stderr).toString('utf8').trim()
  throw new OcibakeError('INTERNAL', `The sandbox program failed to ${verb}: ${said || `exit code ${exitCode}`}.`)
}
