import { readContentRange } from '../network/content-range.ts'
import type { Descriptor } from '../oci/source.ts'
import type { RegistryClient } from './client.ts'

/** HEAD is not what the registry knows, or not what a proxy before it lets through. */
const HEAD_REFUSED: ReadonlySet<number> = new Set([400, 403, 405, 501])

/**
 * Whether the repository has the blob, with the size that it should have. A registry that refuses HEAD is asked for the
 * first byte instead; if it refuses that, too, it has nothing, as far as we know.
 * @param attempts default: as any request @throws REGISTRY_*, INTERRUPTED
 */
export async function hasBlob(
  client: RegistryClient,
  { digest, size }: Pick<Descriptor, 'digest' | 'size'>,
  signal: AbortSignal,
  attempts?: number,
): Promise<boolean> {
  const about = `blob ${digest}`
  const ask = { path: `blobs/${digest}`, about, signal, ...(attempts === undefined ? {} : { attempts }) }
  const head = await client.request({ ...ask, method: 'HEAD' })
  const isRefused = HEAD_REFUSED.has(head.status)
  const range = { Range: 'bytes=0-0' }
  const answer = isRefused ? await client.request({ ...ask, method: 'GET', headers: range, stream: true }) : head
  answer.leave()
  const { status, headers } = answer
  if (status === 200) return Number(headers.get('content-length') ?? size) === size
  if (status === 206) return readContentRange(headers.get('content-range'))?.total === size
  if (status === 401 || status === 429 || (status >= 500 && !isRefused)) throw await client.failure(answer, about)
  return false
}
