import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'

/** Milliseconds for an answer, and for the server to listen. */
const PATIENCE = 20_000

/**
 * Sends each request to the memcached on loopback and returns the lines of all its answers; both are given to `say`.
 * Waits up to 20 seconds for somebody to listen, and for each answer. Protocol: memcached's doc/protocol.txt.
 */
export async function talkToMemcached(
  port: number,
  requests: readonly (readonly string[])[],
  signal: AbortSignal,
  say: (line: string) => void = () => {},
): Promise<string[]> {
  const socket = await connected(port, signal)
  // A server that wants a login first says nothing at all to those who do not.
  socket.setTimeout(PATIENCE, () =>
    socket.destroy(new Error(`memcached has been silent for ${PATIENCE / 1000} seconds.`)),
  )
  try {
    const answers: string[] = []
    const lines = createInterface({ input: socket })[Symbol.asyncIterator]()
    for (const request of requests) {
      for (const line of request) say(`> ${line}`)
      socket.write(`${request.join('\r\n')}\r\n`)
      for (;;) {
        const { value, done } = await lines.next()
        if (done === true) throw new Error(`memcached hung up after: ${answers.join(' | ')}`)
        say(`< ${value}`)
        answers.push(value)
        if (/^(STORED|END|VERSION .*|DELETED|NOT_FOUND|(CLIENT_|SERVER_)?ERROR.*)$/.test(value)) break
      }
    }
    return answers
  } finally {
    socket.destroy()
  }
}

async function connected(port: number, signal: AbortSignal): Promise<Socket> {
  const deadline = Date.now() + PATIENCE
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    const error = await new Promise<Error | undefined>((resolve) => {
      socket.once('connect', () => resolve(undefined)).once('error', resolve)
    })
    if (error === undefined) return socket
    socket.destroy()
    if (Date.now() > deadline)
      throw new Error(`Nobody listens on port ${port} after ${PATIENCE / 1000} seconds.`, { cause: error })
    await sleep(100, undefined, { signal })
  }
}
