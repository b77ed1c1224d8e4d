import type { ServerResponse } from 'node:http'
import { onTestFinished } from 'vitest'
import { digestOf } from '../../src/oci/digest.ts'
import { parseReference } from '../../src/oci/reference.ts'
import type { RegistryConnectionOptions } from '../../src/registry/connection.ts'
import { type PushOptions, pushImage } from '../../src/registry/push.ts'
import { type MemoryImage, testConnection } from './registry-image.ts'
import { type SeenRequest, startScriptedServer } from './scripted-server.ts'

/** Answers a request in the registry's place, if it returns true; `answer` is what the registry would do. */
export type Fault = (
  request: SeenRequest,
  response: ServerResponse,
  registry: FakeRegistry,
  answer: () => void,
) => boolean

/** As much of a registry as a push needs, so that a test can break any of its answers. */
export interface FakeRegistry {
  readonly blobs: Set<string>
  readonly manifests: Map<string, Buffer>
  /** What each open upload has. */
  readonly sessions: Map<string, Buffer>
  /** Method and kind of every request, in order. */
  readonly log: string[]
}

export async function fakeRegistry(fault: Fault = () => false, options: Partial<RegistryConnectionOptions> = {}) {
  const registry: FakeRegistry = { blobs: new Set(), manifests: new Map(), sessions: new Map(), log: [] }
  const server = await startScriptedServer((request, response) => {
    const url = new URL(request.path, 'http://x')
    registry.log.push(`${request.method} ${url.pathname.replace(/^\/v2\/team\/app\/|sha256:.*|[0-9]+$/g, '')}`)
    const answer = () => respond(registry, request, url, response)
    if (!fault(request, response, registry, answer)) answer()
  })
  const { connection, events } = testConnection(options)
  onTestFinished(async () => {
    connection.close()
    await server.stop()
  })
  const { signal } = new AbortController()
  const push = (image: MemoryImage, chosen: Partial<PushOptions> = {}, ...tags: string[]) => {
    const references = (tags.length === 0 ? ['1'] : tags).map((tag) => parseReference(`${server.host}/team/app:${tag}`))
    return pushImage(image, references, connection, { signal, report: connection.report, ...chosen })
  }
  return { ...registry, server, events, push }
}

function respond(
  { blobs, manifests, sessions, log }: FakeRegistry,
  request: SeenRequest,
  url: URL,
  response: ServerResponse,
) {
  const name = url.pathname.split('/').at(-1)!
  const id = url.searchParams.get('state') ?? ''
  const digest = url.searchParams.get('digest')
  const state = () => ({
    Location: `/v2/team/app/blobs/uploads/?state=${id}`,
    Range: `0-${Math.max(0, (sessions.get(id)?.length ?? 0) - 1)}`,
  })
  if (url.pathname.includes('/manifests/')) {
    if (request.method === 'PUT') {
      for (const key of [name, digestOf(request.body)]) manifests.set(key, request.body)
      return end(response, 201)
    }
    const found = manifests.get(name)
    return found === undefined ? end(response, 404) : end(response, 200, {}, found)
  }
  if (request.method === 'HEAD') return end(response, blobs.has(name) ? 200 : 404)
  if (request.method === 'POST') {
    const next = String(log.length)
    sessions.set(next, Buffer.alloc(0))
    return end(response, 202, { Location: `/v2/team/app/blobs/uploads/?state=${next}` })
  }
  const held = sessions.get(id)
  if (held === undefined) return end(response, 404)
  if (request.method === 'GET') return end(response, 204, state())
  if (request.method === 'DELETE') {
    sessions.delete(id)
    return end(response, 204)
  }
  const start = Number(request.headers['content-range']?.split('-')[0] ?? held.length)
  if (start !== held.length) return end(response, 416, state())
  sessions.set(id, Buffer.concat([held, request.body]))
  if (request.method === 'PATCH') return end(response, 202, state())
  const got = digestOf(sessions.get(id)!)
  if (got !== digest) return end(response, 400, {}, Buffer.from('{"errors":[{"code":"DIGEST_INVALID"}]}'))
  sessions.delete(id)
  blobs.add(got)
  return end(response, 201)
}

/** One whole answer. */
export function end(response: ServerResponse, status: number, headers: Record<string, string> = {}, body?: Buffer) {
  response.writeHead(status, headers)
  response.end(body)
}
