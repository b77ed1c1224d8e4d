import { Readable } from 'node:stream'
import { messageOf, OcibakeError, systemCode } from '../errors.ts'
import { type Compression, decompress, detectCompression, HEAD_BYTES } from '../oci/decompress.ts'
import { isBomb } from '../oci/expansion.ts'
import { display, fromText } from '../oci/name.ts'

/** Programs for what Node cannot inflate itself, with the Debian packages that have them. */
const PROGRAMS: ReadonlyMap<Compression, string> = new Map([
  ['xz', 'xz-utils'],
  ['bzip2', 'bzip2'],
])
/** A header of xz can ask for 4 GiB. What `xz -9` writes asks for 65 MiB. */
const LIMITS: ReadonlyMap<Compression, readonly string[]> = new Map([['xz', ['--memlimit-decompress=512MiB']]])

/**
 * The uncompressed bytes of an archive; how it is compressed (gzip, zstd, xz, bzip2 or not) is decided by its bytes.
 * A chunk is good until the second one after it comes. `name` is for messages. Errors of `bytes` itself pass through as they are.
 * @throws ARCHIVE_INVALID, ARCHIVE_UNSAFE (expands beyond measure), TOOL_MISSING for xz and bzip2
 */
export async function* archiveBytes(
  bytes: AsyncIterable<Uint8Array>,
  name: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const { head, whole } = await peek(bytes, HEAD_BYTES)
  const compression = detectCompression(head)
  const debian = PROGRAMS.get(compression)
  if (debian === undefined) yield* decompress(whole, name, 'pass')
  else yield* inflated(whole, name, compression, debian, signal)
}

/** The first bytes of a stream, at most `size`, fewer if it is shorter; and all of it from the start, to be read once. */
async function peek(
  bytes: AsyncIterable<Uint8Array>,
  size: number,
): Promise<{ readonly head: Buffer; readonly whole: AsyncGenerator<Uint8Array> }> {
  const rest = bytes[Symbol.asyncIterator]()
  const held: Uint8Array[] = []
  for (let length = 0; length < size; ) {
    const next = await rest.next()
    if (next.done === true) break
    held.push(next.value)
    length += next.value.byteLength
  }
  async function* whole() {
    yield* held
    yield* { [Symbol.asyncIterator]: () => rest }
  }
  return { head: Buffer.concat(held).subarray(0, size), whole: whole() }
}

async function* inflated(
  bytes: AsyncIterable<Uint8Array>,
  name: string,
  program: Compression,
  debian: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const input = new Watched(bytes)
  const { execa } = await import('execa')
  const running = execa(program, ['--decompress', '--stdout', ...(LIMITS.get(program) ?? [])], {
    input: Readable.from(input.bytes()),
    buffer: { stdout: false },
    encoding: 'buffer',
    // Options of the caller's environment would change what the program does, its language what it says.
    env: { XZ_OPT: '', XZ_DEFAULTS: '', BZIP2: '', BZIP: '', LC_ALL: 'C' },
    cancelSignal: signal,
    reject: false,
  })
  let written = 0
  for await (const chunk of running.stdout) {
    written += chunk.byteLength
    if (isBomb(input.taken, written)) {
      running.kill('SIGKILL')
      throw new OcibakeError('ARCHIVE_UNSAFE', `${name} expands to more than ${written} bytes from ${input.taken}.`, {
        hint: 'If it is meant to be so, give it uncompressed.',
      })
    }
    yield chunk
  }
  const ended = await running
  if (ended.exitCode === 0 && !ended.failed) return
  signal.throwIfAborted()
  if (input.failure !== undefined) throw input.failure.error
  if (systemCode(ended.cause) === 'ENOENT') {
    throw new OcibakeError('TOOL_MISSING', `${name} is compressed with ${program}, which is not installed here.`, {
      hint: `apt-get install ${debian}`,
    })
  }
  const said =
    Buffer.from(ended.stderr ?? [])
      .toString('utf8')
      .trim()
      .split('\n')[0] || messageOf(ended)
  throw new OcibakeError('ARCHIVE_INVALID', `${name} is damaged ${program} data: ${display(fromText(said))}.`, {
    hint: 'Fetch or make it again.',
  })
}

/** A stream that is counted as it passes, and whose own failure is told from that of its reader. */
class Watched {
  readonly #source: AsyncIterable<Uint8Array>
  taken = 0
  failure: { readonly error: unknown } | undefined

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source
  }

  async *bytes(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of this.#source) {
        this.taken += chunk.byteLength
        yield chunk
      }
    } catch (error) {
      this.failure = { error }
      throw error
    }
  }
}
