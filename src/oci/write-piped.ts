import { OcibakeError, systemCode } from '../errors.ts'
import { gathered } from './gathered.ts'
import { formatTransport, type Transport } from './transport.ts'
import { unlessAborted } from './unless-aborted.ts'
import { outputError } from './write-file.ts'

/** Takes the next bytes. Settles when they may be overwritten; rejects when nobody wants them any more. */
export type TakeBytes = (bytes: Uint8Array) => Promise<void>

/** As much as a pipe holds, which takes two writes when the reader is slower. */
const CHUNK = 1 << 16

/**
 * Gives the bytes of an output to whoever reads stdout, no faster than they are taken: memory stays flat.
 * @throws OUTPUT_FAILED when the reader leaves, and for damage of the store that is found when the reader has some of the
 * bytes, so that nobody begins again; DISK_FULL; whatever `bytes` throws; the reason of the signal
 */
export async function writePiped(
  bytes: AsyncIterable<Uint8Array>,
  output: Transport,
  take: TakeBytes,
  signal: AbortSignal,
): Promise<void> {
  let hasSome = false
  try {
    for await (const chunk of gathered(bytes, CHUNK)) {
      hasSome = true
      await unlessAborted(take(chunk), signal)
    }
  } catch (error) {
    if (systemCode(error) === 'EPIPE') throw readerLeft(output, error)
    const isDamage = error instanceof OcibakeError && error.code === 'STORE_CORRUPT'
    throw hasSome && isDamage ? cutShort(error, output) : outputError(error, 'stdout')
  }
}

function readerLeft(output: Transport, cause: unknown): OcibakeError {
  const message = `Whoever reads ${formatTransport(output)} stopped before the end.`
  return new OcibakeError('OUTPUT_FAILED', message, { hint: 'See what the program behind the pipe says.', cause })
}

function cutShort(error: OcibakeError, output: Transport): OcibakeError {
  const message = `${error.message} What ${formatTransport(output)} gave is cut short.`
  return new OcibakeError('OUTPUT_FAILED', message, { hint: 'Run the same command again.' })
}
