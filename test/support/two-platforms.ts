import { DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST } from '../../src/oci/media-types.ts'
import { skopeoCopy, tool } from './skopeo.ts'
import { umociBase } from './umoci-base.ts'

const ACCEPT = [OCI_INDEX, DOCKER_LIST, OCI_MANIFEST, DOCKER_MANIFEST].join(', ')

export interface StoredDocument {
  readonly digest: string
  readonly mediaType: string
  readonly size: number
  // biome-ignore lint/suspicious/noExplicitAny: whatever a registry has
  readonly json: any
}

/** What a registry of plain http has under a name (`host/repository:tag`, or with a digest); undefined: nothing. */
export async function storedDocument(name: string): Promise<StoredDocument | undefined> {
  const [, host, repository, reference] = /^([^/]+)\/(.+?)[:@]([^/]+)$/.exec(name)!
  const answer = await fetch(`http://${host}/v2/${repository}/manifests/${reference}`, { headers: { Accept: ACCEPT } })
  if (answer.status === 404) return undefined
  const text = await answer.text()
  const [digest, mediaType] = ['docker-content-digest', 'content-type'].map(
    (header) => answer.headers.get(header) ?? '',
  )
  return { digest: digest!, mediaType: mediaType!, size: Buffer.byteLength(text), json: JSON.parse(text) }
}

/**
 * Puts `HOST/library/base:1` there: an index, made by hand, of the umoci base for linux/amd64 and linux/arm64. Each of them
 * has a tag of its own, `amd64` and `arm64`, too. @returns the name of the index
 */
export async function pushTwoPlatforms(folder: string, host: string): Promise<string> {
  const layout = await umociBase(folder)
  for (const architecture of ['amd64', 'arm64']) {
    const config = ['--tag', architecture, '--architecture', architecture, '--created', '2024-05-06T07:08:09Z']
    await tool('umoci', ['config', '--image', `${layout}:base`, ...config])
    await skopeoCopy(
      `oci:${layout}:${architecture}`,
      `docker://${host}/library/base:${architecture}`,
      '--dest-tls-verify=false',
    )
  }
  const manifests = await Promise.all(
    ['amd64', 'arm64'].map(async (architecture) => {
      const { digest, mediaType, size } = (await storedDocument(`${host}/library/base:${architecture}`))!
      return { mediaType, digest, size, platform: { os: 'linux', architecture } }
    }),
  )
  const body = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests })
  const headers = { 'Content-Type': OCI_INDEX }
  const answer = await fetch(`http://${host}/v2/library/base/manifests/1`, { method: 'PUT', headers, body })
  if (answer.status !== 201) throw new Error(`${host} answered ${answer.status} to an index`)
  return `${host}/library/base:1`
}
