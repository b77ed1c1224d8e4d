import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request that a scripted server got, its body read. */
export interface SeenRequest {
  readonly method: string
  /** Path and query. */
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

export interface ScriptedServer {
  /** `127.0.0.1:port`. */
  readonly host: string
  /** Every request but `GET /v2/`, oldest first. */
  readonly seen: readonly SeenRequest[]
  stop(): Promise<void>
}

export type Script = (request: SeenRequest, response: ServerResponse, count: number) => void

/**
 * An HTTP server on 127.0.0.1 for what no honest registry does. `script` answers; `count` says how often this method
 * and path has been asked before. `GET /v2/` is answered as by any registry: by that a registry of this machine is known.
 */
export async function startScriptedServer(script: Script): Promise<ScriptedServer> {
  const seen: SeenRequest[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('error', () => {})
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      if (method === 'GET' && url === '/v2/') {
        response.setHeader('Docker-Distribution-Api-Version', 'registry/2.0')
        return void response.end()
      }
      const count = seen.filter((other) => other.method === method && other.path === url).length
      const one = { method, path: url, headers, body: Buffer.concat(chunks) }
      seen.push(one)
      script(one, response, count)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const stop = async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  return { host: `127.0.0.1:${port}`, seen, stop }
}
