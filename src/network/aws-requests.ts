import type { Agent } from 'node:http'
import { Readable } from 'node:stream'
import type { NodeHttpHandler } from '@smithy/node-http-handler'
import type { Network } from './network.ts'

/** Bytes of an answer that is read as a whole: credentials and errors have a few thousand. */
const LONGEST = 1 << 20

async function* bounded(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let size = 0
  for await (const chunk of body) {
    size += chunk.byteLength
    if (size > LONGEST) throw new Error(`the answer has more than ${LONGEST} bytes`)
    yield chunk
  }
}

/** What of a request handler of the AWS SDK is its clients' business. */
export type AwsRequests = Pick<
  NodeHttpHandler,
  'metadata' | 'handle' | 'destroy' | 'updateHttpClientConfig' | 'httpHandlerConfigs'
>

/**
 * The `requestHandler` of AWS clients, and of what they ask for credentials, whose requests leave as all others do. Its
 * `destroy` does nothing: connections are the network's, and another client may be using them.
 */
export async function awsRequests(network: Network): Promise<AwsRequests> {
  const { NodeHttpHandler } = await import('@smithy/node-http-handler')
  const handlers = new Map<Agent, NodeHttpHandler>()
  const handlerOf = (agent: Agent) => {
    const handler = handlers.get(agent) ?? new NodeHttpHandler({ httpAgent: agent, httpsAgent: agent as never })
    handlers.set(agent, handler)
    return handler
  }
  const base = new NodeHttpHandler()
  return {
    metadata: base.metadata,
    handle: async (request, options) => {
      const { method, protocol, hostname, port } = request
      const url = new URL(`${protocol}//${hostname}${port === undefined ? '' : `:${port}`}/`)
      const answer = await network.reach(url, (agent) => handlerOf(agent).handle(request, options))
      const { response } = answer
      // What an object is made of is streamed; everything else the SDK keeps in memory, however long it is.
      if (method !== 'GET' || response.statusCode >= 300) response.body = Readable.from(bounded(response.body))
      return answer
    },
    destroy: () => {},
    updateHttpClientConfig: () => {},
    httpHandlerConfigs: () => ({}),
  }
}
