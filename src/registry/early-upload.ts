import type { Report } from '../events.ts'
import { bytesContent } from '../oci/content.ts'
import type { GrowingFile } from '../oci/growing-file.ts'
import type { Descriptor } from '../oci/source.ts'
import type { RegistryClient } from './client.ts'
import type { RequestBody } from './exchange.ts'
import { hasBlob } from './has-blob.ts'
import { Task } from './task.ts'
import { withDigest } from './upload-session.ts'

export interface EarlyUploadOptions {
  readonly signal: AbortSignal
  readonly report: Report
}

/** Bytes from which on it is worth it: a smaller blob is sent in one request when its digest is known. */
const WORTHWHILE = 1 << 20
const ABOUT = 'upload of the layer'
const BYTES = { 'Content-Type': 'application/octet-stream' }

/**
 * Sends a blob while it is being made: one streamed PATCH, as docker and skopeo push, and the digest at the end. Nothing
 * waits for it before `finish`, and it never fails: whatever does not work is left to the ordinary upload, which finds
 * the blob in the registry or does not. (distribution-spec, "Pushing a blob in chunks", but for Content-Range)
 */
export class EarlyUpload {
  readonly #client: RegistryClient
  readonly #options: EarlyUploadOptions
  readonly #stop = new AbortController()
  readonly #signal: AbortSignal
  /** Whether the blob has become large enough. */
  #begun: Promise<boolean> = Promise.resolve(false)
  /** Where the session is that is to be ended if nothing comes of it. */
  #open: URL | undefined
  /** Where the session is when all bytes are sent; undefined when they could not be. */
  #sent: Promise<URL | undefined> = Promise.resolve(undefined)

  constructor(client: RegistryClient, options: EarlyUploadOptions) {
    this.#client = client
    this.#options = options
    this.#signal = AbortSignal.any([options.signal, this.#stop.signal])
  }

  /** Begins with the file, and closes it. */
  start(file: GrowingFile): void {
    this.#begun = file.reaches(WORTHWHILE)
    this.#sent = this.#send(file)
      .catch(() => undefined)
      .finally(() => file.close())
  }

  /** Ends the upload of what is this blob now, unless the registry has it already. */
  async finish(blob: Descriptor): Promise<void> {
    if (!(await this.#begun)) return
    const isThere = hasBlob(this.#client, blob, this.#signal).catch(() => false)
    const location = await Promise.race([this.#sent, isThere.then((there) => (there ? undefined : this.#sent))])
    if (location === undefined || (await isThere)) return await this.abandon()
    this.#open = undefined
    const body = bytesContent('')
    await this.#request('PUT', withDigest(location, blob.digest), body).catch(() => {})
  }

  /** Gives up what is not finished. Safe to call at any time. */
  async abandon(): Promise<void> {
    this.#stop.abort()
    await this.#sent
    const open = this.#open
    this.#open = undefined
    if (open !== undefined) await this.#client.abandonUpload(open)
  }

  async #send(file: GrowingFile): Promise<URL | undefined> {
    if (!(await this.#begun)) return undefined
    const opened = await this.#request('POST', 'blobs/uploads/', bytesContent(''))
    if (opened.status !== 202) return undefined
    this.#open = this.#client.location(opened, ABOUT)
    const name = this.#client.name
    const task = new Task(this.#options.report, `push ${name} early`, this.#client.what('push the layer'))
    async function* counted() {
      let sent = 0
      for await (const chunk of file.bytes()) {
        yield chunk
        sent += chunk.byteLength
        task.at(sent)
      }
    }
    try {
      const answer = await this.#request('PATCH', this.#open, { open: counted })
      if (answer.status !== 202) return undefined
      task.finish('sent')
      this.#open = this.#client.location(answer, ABOUT)
      return this.#open
    } finally {
      task.finish('given up')
    }
  }

  #request(method: 'POST' | 'PATCH' | 'PUT', path: string | URL, body: RequestBody) {
    const headers = method === 'POST' ? {} : BYTES
    return this.#client.request({ method, path, about: ABOUT, headers, body, signal: this.#signal, attempts: 1 })
  }
}
