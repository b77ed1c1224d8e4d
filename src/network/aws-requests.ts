import type { Agent } from 'node:http'
import type { NodeHttpHandler } from '@smithy/node-http-handler'
import type { Network } from './network.ts'

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
    handle: (request, options) => {
      const { protocol, hostname, port } = request
      const url = new URL(`${protocol}//${hostname}${port === undefined ? '' : `:${port}`}/`)
      return network.reach(url, (agent) => handlerOf(agent).handle(request, options))
    },
    destroy: () => {},
    updateHttpClientConfig: () => {},
    httpHandlerConfigs: () => ({}),
  }
}
