import { OcibakeError } from '../errors.ts'
import { bytesContent } from '../oci/content.ts'
import { type Digest, digestOf } from '../oci/digest.ts'
import { DOCUMENT_LIMIT } from '../oci/json.ts'
import type { Document } from '../oci/source.ts'
import { type Access, pullScope, pushScope } from './access.ts'
import type { RegistryConnection } from './connection.ts'
import { failure } from './failure.ts'
import { type OpenUpload, openUpload } from './open-upload.ts'
import type { Timing } from './retry.ts'
import { checkLed } from './target.ts'
import type { Answer, HttpRequest } from './transport.ts'

/** A request within a repository. `path` is below `/v2/<repository>/`, or a whole URL that the registry gave. */
export interface RepositoryRequest extends Omit<HttpRequest, 'url' | 'authorization' | 'what'> {
  readonly path: string | URL
  /** What the request is about, for messages: `blob sha256:…`. */
  readonly about: string
  /** What a token has to allow; the client's own scopes when absent. */
  readonly scopes?: readonly string[]
}

/** How long a registry is waited for that is told what it need not know: milliseconds. */
const PARTING = 2000

/** How registries say that a tag is not to be moved: ECR 400, Docker Hub 403, Azure 405, others 409, Harbor 412. */
const TAG_STAYS: ReadonlySet<number> = new Set([400, 403, 405, 409, 412])

/**
 * One repository of a registry, by the distribution API. Each method is one request with its retries, and one renewal
 * of the token when it has ended meanwhile. Statuses that a method does not name are errors: REGISTRY_UNAUTHORIZED,
 * REGISTRY_DENIED, REGISTRY_NOT_FOUND, REGISTRY_RATE_LIMITED, REGISTRY_ERROR; no answer is REGISTRY_UNREACHABLE.
 * (opencontainers/distribution-spec, spec.md)
 */
export class RegistryClient {
  readonly registry: string
  readonly repository: string
  readonly #connection: RegistryConnection
  readonly #scopes: readonly string[]
  readonly #patience: { readonly attempts?: number }

  /** `purpose` decides what its tokens allow; `attempts` is how often a request is tried that does not say. */
  constructor(
    connection: RegistryConnection,
    target: { readonly registry: string; readonly repository: string },
    purpose: 'pull' | 'push',
    attempts?: number,
  ) {
    this.#connection = connection
    this.#patience = attempts === undefined ? {} : { attempts }
    this.registry = target.registry
    this.repository = target.repository
    this.#scopes = [purpose === 'pull' ? pullScope(target.repository) : pushScope(target.repository)]
  }

  /** `registry/repository`. */
  get name(): string {
    return `${this.registry}/${this.repository}`
  }

  /**
   * The manifest or index with this tag or digest, as it came. The digest is computed from the bytes, whatever the
   * registry calls it; that it is the one asked for is for the caller to check. @throws MANIFEST_INVALID above 4 MiB
   */
  async getManifest(tagOrDigest: string, accept: readonly string[], signal: AbortSignal): Promise<Document> {
    const about = `manifest ${tagOrDigest}`
    const headers = { Accept: accept.join(', ') }
    const limit = DOCUMENT_LIMIT
    const answer = await this.request({
      method: 'GET',
      path: `manifests/${tagOrDigest}`,
      about,
      headers,
      limit,
      signal,
    })
    if (answer.status !== 200) throw await this.failure(answer, about)
    if (answer.truncated) {
      throw new OcibakeError('MANIFEST_INVALID', `${this.what(about)} has more than ${DOCUMENT_LIMIT} bytes.`)
    }
    const [mediaType = ''] = (answer.headers.get('content-type') ?? '').split(';', 1)
    return { mediaType: mediaType.trim(), digest: digestOf(answer.bytes), bytes: answer.bytes }
  }

  /**
   * The answer to a request for a blob's bytes from `start` on: status 200 (the whole blob, Range ignored), 206 or 416,
   * the first two with `body`.
   */
  async getBlob(digest: Digest, start: number, signal: AbortSignal): Promise<Answer> {
    const about = `blob ${digest}`
    const headers = start > 0 ? { Range: `bytes=${start}-` } : {}
    const answer = await this.request({ method: 'GET', path: `blobs/${digest}`, about, headers, stream: true, signal })
    if (answer.body !== undefined || (start > 0 && answer.status === 416)) return answer
    throw await this.failure(answer, about)
  }

  /**
   * Asks for a blob of another repository of the same registry. True if it is there now; else where an upload session
   * was opened instead, or undefined: not every registry can, and who may not read there gets no answer that says so.
   */
  async mountBlob(digest: Digest, from: string, signal: AbortSignal): Promise<true | OpenUpload | undefined> {
    const query = new URLSearchParams({ mount: digest, from })
    const about = `blob ${digest} of ${from}`
    const scopes = [...this.#scopes, pullScope(from)]
    const path = `blobs/uploads/?${query}`
    try {
      const body = bytesContent('')
      const answer = await this.request({ method: 'POST', path, about, scopes, body, signal, attempts: 2 })
      if (answer.status === 201) return true
      return answer.status === 202 ? openUpload(answer, this.location(answer, about)) : undefined
    } catch (error) {
      if (signal.aborted || !(error instanceof OcibakeError)) throw error
      return undefined
    }
  }

  /** Offers a manifest under a tag or its digest. The answer is a 2xx, or one that may mean that the tag must stay. */
  async putManifest(tagOrDigest: string, manifest: Document, signal: AbortSignal): Promise<Answer> {
    const about = `manifest ${tagOrDigest}`
    const headers = { 'Content-Type': manifest.mediaType }
    const body = bytesContent(manifest.bytes)
    const answer = await this.request({ method: 'PUT', path: `manifests/${tagOrDigest}`, about, headers, body, signal })
    const isAnswer = (answer.status >= 200 && answer.status <= 299) || TAG_STAYS.has(answer.status)
    if (!isAnswer) throw await this.failure(answer, about)
    return answer
  }

  /**
   * Ends an upload session that will not be finished, so that the registry need not keep its bytes until it tires of it.
   * Does what it can within two seconds, and never throws. A location elsewhere is left alone. (distribution: docs,
   * "Canceling an Upload")
   */
  async abandonUpload(location: URL): Promise<void> {
    const signal = AbortSignal.timeout(PARTING)
    const about = 'an upload that is given up'
    try {
      const endpoint = await this.#connection.endpoint(this.registry, signal)
      if (location.origin === endpoint.origin) {
        await this.request({ method: 'DELETE', path: location, about, signal, attempts: 1 })
      }
    } catch (error) {
      if (!(error instanceof OcibakeError)) throw error
    }
  }

  /**
   * Where an upload goes on: the Location of its last answer, verbatim, its query kept.
   * @throws REGISTRY_ERROR when there is none, or it leads where no request goes
   */
  location(answer: Answer, about: string): URL {
    const location = answer.headers.get('location')
    if (location !== null && URL.canParse(location, answer.url.href)) {
      const url = new URL(location, answer.url)
      checkLed(url, answer.url, this.#connection.transport.insecure)
      return url
    }
    throw new OcibakeError(
      'REGISTRY_ERROR',
      `${this.what(about)}: ${this.registry} answered ${answer.status} without a Location.`,
    )
  }

  /** How patient uploads and downloads of several requests are. */
  get timing(): Timing {
    return this.#connection.transport.timing
  }

  /** Sends a request with what authorization it needs. Every status is an answer. */
  async request(request: RepositoryRequest): Promise<Answer> {
    const { path, about, scopes = this.#scopes, ...rest } = request
    const { authenticator, transport } = this.#connection
    const endpoint = await this.#connection.endpoint(this.registry, request.signal)
    const url = typeof path === 'string' ? new URL(`/v2/${this.repository}/${path}`, endpoint) : path
    const access = { ...this.#access(endpoint), scopes }
    const sent = { ...this.#patience, ...rest, url, what: this.what(about) }
    // Locations may lead to other hosts: to storage, which needs no credentials, or to nobody's business.
    if (url.origin !== endpoint.origin) return transport.send(sent)
    const authorization = await authenticator.current(access, request.signal)
    const answer = await transport.send(authorization === undefined ? sent : { ...sent, authorization })
    if (answer.status !== 401 || answer.url.origin !== endpoint.origin) return answer
    const challenge = answer.headers.get('www-authenticate') ?? ''
    const renewed = await authenticator.renew(access, challenge, authorization, request.signal)
    return transport.send({ ...sent, authorization: renewed })
  }

  /** The error that an answer amounts to. */
  async failure(answer: Answer, about: string): Promise<OcibakeError> {
    const { authenticator } = this.#connection
    // Known, as there is an answer.
    const endpoint = await this.#connection.endpoint(this.registry, AbortSignal.timeout(PARTING))
    const who = await authenticator.describe(this.#access(endpoint))
    const instead = answer.url.origin === endpoint.origin ? undefined : 'storage'
    return failure(answer, this.what(about), this.registry, { who, instead })
  }

  /** `blob sha256:… of registry/repository`: what a message says it was about. */
  what(about: string): string {
    return `${about} of ${this.name}`
  }

  #access(endpoint: URL): Access {
    return { registry: this.registry, endpoint, repository: this.repository, scopes: this.#scopes }
  }
}
