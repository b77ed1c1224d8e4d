import { OcibakeError } from '../errors.ts'
import type { Report } from '../events.ts'
import { readContentRange } from '../network/content-range.ts'
import type { Descriptor } from '../oci/source.ts'
import type { RegistryClient } from './client.ts'
import { NetworkFault } from './network-fault.ts'
import { pause, waitBefore } from './retry.ts'
import { Task } from './task.ts'
import type { Answer } from './transport.ts'

/** Bytes that a connection must have brought for its failure not to count: nobody waits for a blob byte by byte. */
const HEADWAY = 1 << 20

interface ReadOptions {
  readonly signal: AbortSignal
  readonly report: Report
}

/**
 * The bytes of a blob from `start` on, unverified, but never more than its size. A connection that fails is followed by
 * another that goes on where it ended (Range), or from the start if the registry cannot, passing over what is known.
 * @throws REGISTRY_UNREACHABLE when that leads nowhere, BLOB_MISMATCH for a blob of another size, REGISTRY_*, INTERRUPTED
 */
export async function* readBlob(
  client: RegistryClient,
  blob: Descriptor,
  start: number,
  { signal, report }: ReadOptions,
): AsyncGenerator<Uint8Array> {
  const what = `blob ${blob.digest}`
  const task = new Task(
    report,
    `pull ${client.name} ${blob.digest}`,
    client.what(`pull ${blob.digest.slice(7, 19)}`),
    blob.size,
  )
  try {
    let at = start
    let counted = at
    for (let failures = 0; at < blob.size; ) {
      try {
        for await (const chunk of bytesFrom(client, blob, at, signal)) {
          at += chunk.byteLength
          task.at(at)
          yield chunk
        }
        if (at < blob.size) throw new NetworkFault('ESHORT')
      } catch (error) {
        if (!(error instanceof NetworkFault)) throw error
        if (at - counted >= HEADWAY) failures = 0
        counted = at
        const { attempts } = client.timing
        if (++failures >= attempts || !error.transient)
          throw error.toError(client.what(what), client.registry, failures)
        const waitMilliseconds = waitBefore(failures, null, client.timing)
        const reason = `${error.message} at byte ${at} of ${blob.size}`
        report({ type: 'retry', what: client.what(what), attempt: failures, limit: attempts, waitMilliseconds, reason })
        await pause(waitMilliseconds, signal)
      }
    }
    task.finish('pulled')
  } finally {
    task.finish('failed')
  }
}

/** What one connection brings of a blob from `start` on. */
async function* bytesFrom(
  client: RegistryClient,
  blob: Descriptor,
  start: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let answer = await client.getBlob(blob.digest, start, signal)
  let begin = beginOf(answer, start)
  if (begin === undefined && start > 0) {
    // 416, or a part that nobody asked for: the whole blob, then.
    answer.leave()
    answer = await client.getBlob(blob.digest, 0, signal)
    begin = beginOf(answer, 0)
  }
  const size = sizeOf(answer)
  if (begin === undefined || (size !== undefined && size !== blob.size)) {
    answer.leave()
    throw begin === undefined ? new NetworkFault('ERANGE') : mismatch(client, blob, `${size}`)
  }
  let skip = start - begin
  let left = blob.size - start
  for await (const chunk of answer.body ?? []) {
    const fresh = chunk.subarray(Math.min(skip, chunk.byteLength))
    skip -= chunk.byteLength - fresh.byteLength
    if (fresh.byteLength > left) throw mismatch(client, blob, 'more')
    left -= fresh.byteLength
    if (fresh.byteLength > 0) yield fresh
  }
}

/** The byte of the blob at which the answer begins: `wanted` or 0; undefined when it is neither. */
function beginOf({ status, headers }: Answer, wanted: number): number | undefined {
  if (status === 200) return 0
  const range = status === 206 ? readContentRange(headers.get('content-range')) : undefined
  return range?.first === wanted || range?.first === 0 ? range.first : undefined
}

/** Bytes of the whole blob, where the answer says it. */
function sizeOf({ status, headers }: Answer): number | undefined {
  if (status === 206) return readContentRange(headers.get('content-range'))?.total
  return numberOf(headers.get('content-length'))
}

function numberOf(header: string | null): number | undefined {
  return header !== null && /^[0-9]{1,15}$/.test(header) ? Number(header) : undefined
}

function mismatch(client: RegistryClient, blob: Descriptor, got: string): OcibakeError {
  return new OcibakeError(
    'BLOB_MISMATCH',
    `${client.what(`blob ${blob.digest}`)} has ${got} bytes; its descriptor says ${blob.size}.`,
    { hint: 'The registry has a damaged blob: push that image again, or use another one.' },
  )
}
