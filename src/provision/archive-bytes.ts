import { Readable } from 'node:stream'
import { messageOf, OcibakeError, systemCode } from '../errors.ts'
import {
  type Compression,
  decompress,
  detectCompression,
  EXPANSION_FREE,
  EXPANSION_RATIO,
  HEAD_BYTES,
} from '../oci/decompress.ts'
import { display, fromText } from '../oci/name.ts'
import type { Fetched } from './fetch.ts'

/** Programs for what Node cannot inflate itself, with the Debian packages that have them. */
const PROGRAMS: ReadonlyMap<Compression, string> = new Map([
  ['xz', 'xz-utils'],
  ['bzip2', 'bzip2'],
])

/**
 * The uncompressed bytes of an archive; how it is compressed (gzip, zstd, xz, bzip2 or not) is decided by its bytes.
 * @throws ARCHIVE_INVALID, ARCHIVE_UNSAFE (expands beyond measure), TOOL_MISSING for xz and bzip2
 */
export async function* archiveBytes(fetched: Fetched, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const compression = detectCompression(await headOf(fetched.open(), HEAD_BYTES))
  const debian = PROGRAMS.get(compression)
  if (debian === undefined) yield* decompress(fetched.open(), fetched.name)
  else yield* inflated(fetched, compression, debian, signal)
}

/** The first bytes of a stream, at most `size`, fewer if it is shorter; the stream is closed. */
export async function headOf(bytes: AsyncIterable<Uint8Array>, size: number): Promise<Buffer> {
  const head: Uint8Array[] = []
  let length = 0
  for await (const chunk of bytes) {
    head.push(chunk)
    length += chunk.byteLength
    if (length >= size) break
  }
  return Buffer.concat(head).subarray(0, size)
}

async function* inflated(
  fetched: Fetched,
  program: Compression,
  debian: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const { execa } = await import('execa')
  const running = execa(program, ['--decompress', '--stdout'], {
    input: Readable.from(fetched.open()),
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
    if (written > EXPANSION_FREE && written > fetched.size * EXPANSION_RATIO) {
      running.kill('SIGKILL')
      throw new OcibakeError(
        'ARCHIVE_UNSAFE',
        `${fetched.name} expands to more than ${written} bytes from ${fetched.size}.`,
        {
          hint: 'If it is meant to be so, give it uncompressed.',
        },
      )
    }
    yield chunk
  }
  const ended = await running
  if (ended.exitCode === 0 && !ended.failed) return
  signal.throwIfAborted()
  if (ended.cause instanceof OcibakeError) throw ended.cause
  if (systemCode(ended.cause) === 'ENOENT') {
    throw new OcibakeError(
      'TOOL_MISSING',
      `${fetched.name} is compressed with ${program}, which is not installed here.`,
      {
        hint: `apt-get install ${debian}`,
      },
    )
  }
  const said =
    Buffer.from(ended.stderr ?? [])
      .toString('utf8')
      .trim()
      .split('\n')[0] || messageOf(ended)
  throw new OcibakeError('ARCHIVE_INVALID', `${fetched.name} is damaged ${program} data: ${display(fromText(said))}.`, {
    hint: 'Fetch or make it again.',
  })
}
