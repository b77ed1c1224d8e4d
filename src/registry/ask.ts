import { type Agent, type IncomingMessage, request as overHttp } from 'node:http'
import { request as overHttps } from 'node:https'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

export interface Question {
  readonly method: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Readable | undefined
  readonly agent: Agent
}

/** The headers of an answer, by names in lower case. Of several with one name, what Node makes: mostly a list by commas. */
export interface AnswerHeaders {
  get(name: string): string | null
  has(name: string): boolean
}

export interface Answered {
  readonly status: number
  readonly headers: AnswerHeaders
  /** To be read to its end, or ended by the signal. */
  readonly body: AsyncIterable<Buffer>
}

/** Which connection it was, and why it was left, whoever aborted knows. */
const LEFT = new Error('left')

/**
 * One request and the head of its answer, as they are. An abort of `signal` ends the connection as long as not all of the
 * answer was read. @throws what the socket, the resolver or `body` threw; so does the answer's body
 */
export function ask({ method, url, headers, body, agent }: Question, signal: AbortSignal): Promise<Answered> {
  if (signal.aborted) return Promise.reject(LEFT)
  const { promise, resolve, reject } = Promise.withResolvers<Answered>()
  const over = url.protocol === 'https:' ? overHttps : overHttp
  const request = over(url, { method, headers: { Accept: '*/*', ...headers }, agent })
  let response: IncomingMessage | undefined
  const stop = () => void (response ?? request).destroy(LEFT)
  signal.addEventListener('abort', stop, { once: true })
  request.on('error', reject)
  request.on('response', (message) => {
    response = message
    // Thrown to whoever reads the body, if anybody does.
    message.on('error', () => {})
    resolve({ status: message.statusCode ?? 0, headers: headersOf(message), body: message })
  })
  if (body === undefined) request.end()
  else pipeline(body, request).catch(reject)
  return promise
}

function headersOf({ headers }: IncomingMessage): AnswerHeaders {
  const get = (name: string) => headers[name]?.toString() ?? null
  return { get, has: (name) => get(name) !== null }
}
