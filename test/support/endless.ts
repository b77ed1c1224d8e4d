import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

const CHUNK = Buffer.alloc(64 << 10, ' ')

/** Answers with a body that goes on until the client leaves, or has `most` bytes. @returns the bytes that were taken */
export async function endless(response: ServerResponse, status: number, headers = {}, most = 200e6): Promise<number> {
  let sent = 0
  function* chunks() {
    for (; sent < most; sent += CHUNK.length) yield CHUNK
  }
  response.writeHead(status, headers)
  await pipeline(Readable.from(chunks()), response).catch(() => {})
  return sent
}
