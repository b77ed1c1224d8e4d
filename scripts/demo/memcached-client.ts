import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Sends each request to the memcached on loopback and returns the lines of all its answers; both are given to `say`.
 * Waits up to 20 seconds for somebody to listen. Protocol: memcached's doc/protocol.txt.
 */
export async function talkToMemcached(
  port: number,
  requests: readonly (readonly string[])[],
  signal: AbortSignal,
  say: (line: string) => void = () => {},
): Promise<string[]> {
  const socket = await connected(port, signal)
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
  const deadline = Date.now() + 20_000
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    const error = await new Promise<Error | undefined>((resolve) => {
      socket.once('connect', () => resolve(undefined)).once('error', resolve)
    })
    if (error === undefined) return socket
    socket.destroy()
    if (Date.now() > deadline) throw new Error(`Nobody listens on port ${port} after 20 seconds.`, { cause: error })
    await sleep(100, undefined, { signal })
  }
}
