import { digestOf } from '../../src/oci/digest.ts'
import { type ScriptedServer, type SeenRequest, startScriptedServer } from '../../test/support/scripted-server.ts'
import type { TrainingImage } from './image.ts'

interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer
}

/** A registry in memory: as much of one as a build asks for. Repositories share what they hold, the image `base:1` first. */
export function startMemoryRegistry(image: TrainingImage): Promise<ScriptedServer> {
  const registry = new MemoryRegistry(image)
  return startScriptedServer((request, response) => {
    const { status, headers = {}, body } = registry.answer(request)
    response.writeHead(status, { ...headers, ...(body && { 'content-length': body.length }) })
    response.end(request.method === 'HEAD' ? undefined : body)
  })
}

class MemoryRegistry {
  readonly #blobs = new Map<string, Buffer>()
  readonly #manifests = new Map<string, Answer>()
  readonly #uploads = new Map<string, Buffer[]>()

  constructor({ blobs, manifest, mediaType }: TrainingImage) {
    for (const blob of blobs) this.#blobs.set(digestOf(blob), blob)
    this.#addManifest('1', manifest, mediaType)
  }

  answer(request: SeenRequest): Answer {
    const { pathname, searchParams } = new URL(request.path, 'http://registry')
    const name = pathname.split('/').at(-1)!
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    if (pathname.includes('/manifests/')) {
      if (isRead) return this.#manifests.get(name) ?? { status: 404 }
      return this.#addManifest(name, request.body, request.headers['content-type'] ?? '')
    }
    if (isRead) {
      const body = this.#blobs.get(name)
      return body === undefined ? { status: 404 } : { status: 200, body }
    }
    if (request.method !== 'POST') return this.#take(pathname, name, request, searchParams.get('digest'))
    const id = String(this.#uploads.size)
    this.#uploads.set(id, [])
    return { status: 202, headers: { location: pathname.replace(/\/*$/, `/${id}`) } }
  }

  #addManifest(name: string, body: Buffer, type: string): Answer {
    const headers = { 'content-type': type, 'docker-content-digest': digestOf(body) }
    for (const key of [name, digestOf(body)]) this.#manifests.set(key, { status: 200, headers, body })
    return { status: 201, headers: { 'docker-content-digest': digestOf(body) } }
  }

  /** The next bytes of an upload; its last ones, when there is a digest. */
  #take(location: string, id: string, { body }: SeenRequest, digest: string | null): Answer {
    const upload = [...(this.#uploads.get(id) ?? []), body]
    this.#uploads.set(id, upload)
    const whole = Buffer.concat(upload)
    if (digest === null) return { status: 202, headers: { location, range: `0-${whole.length - 1}` } }
    if (digestOf(whole) !== digest) return { status: 400 }
    this.#blobs.set(digest, whole)
    return { status: 201, headers: { 'docker-content-digest': digest } }
  }
}
