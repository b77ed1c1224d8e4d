import type { Report } from '../events.ts'
import { bytesContent } from '../oci/content.ts'
import type { GrowingFile } from '../oci/growing-file.ts'
import type { Descriptor } from '../oci/source.ts'
import { unlessAborted } from '../oci/unless-aborted.ts'
import type { RegistryClient } from './client.ts'
import type { RequestBody } from './exchange.ts'
import { hasBlob } from './has-blob.ts'
import { type OpenUpload, openUpload } from './open-upload.ts'
import { Task } from './task.ts'
import { withDigest } from './upload-session.ts'

export interface EarlyUploadOptions {
  readonly signal: AbortSignal
  readonly report: Report
}

/** Bytes from which on it is worth it: a smaller blob is sent in one request when its digest is known. */
const WORTHWHILE = 1 << 20
/** Milliseconds that taking back what was sent may last: it is a courtesy, and somebody may wait for the end. */
export const COURTESY = 2000
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
  /** Where the session is when all bytes are sent; undefined when they could not be. */
  #sent: Promise<URL | undefined> = Promise.resolve(undefined)
  /** What the registry still waits for. */
  #session: OpenUpload | undefined
  /** Where the session begins; undefined when there is none. */
  #opening: Promise<OpenUpload | undefined> | undefined
  /** The registry takes no chunks as small as the blob is: nothing was sent. */
  #isTooSmall = false
  #isUnwanted = false
  #givenUp: Promise<void> | undefined

  constructor(client: RegistryClient, options: EarlyUploadOptions) {
    this.#client = client
    this.#options = options
    this.#signal = AbortSignal.any([options.signal, this.#stop.signal])
  }

  /** Has the session opened, for a blob that is not there yet. */
  prepare(): void {
    void this.#open()
  }

  /** Begins with the file, and closes it. */
  start(file: GrowingFile): void {
    this.#begun = file.reaches(WORTHWHILE)
    this.#sent = this.#send(file)
      .catch(() => undefined)
      .finally(() => file.close())
  }

  /**
   * Ends the upload of what is this blob now, unless the registry has it already. An abort of `signal` gives it up.
   * @returns how the registry has it by that; when it has to be sent, the session that was opened for it, which the caller
   * ends, or undefined
   */
  async finish(blob: Descriptor, signal: AbortSignal): Promise<'pushed' | 'was there' | OpenUpload | undefined> {
    if (!(await this.#begun)) {
      await unlessAborted(Promise.resolve(this.#opening), signal)
      return this.#take()
    }
    const giveUp = () => {
      this.#givenUp ??= this.#giveUp()
    }
    signal.addEventListener('abort', giveUp, { once: true })
    try {
      return await this.#end(blob, giveUp)
    } finally {
      signal.removeEventListener('abort', giveUp)
    }
  }

  /** The session, for whoever asks first: he ends it. */
  #take(): OpenUpload | undefined {
    const session = this.#session
    this.#session = undefined
    return session
  }

  async #end(blob: Descriptor, giveUp: () => void): Promise<'pushed' | 'was there' | OpenUpload | undefined> {
    const isThere = hasBlob(this.#client, blob, this.#signal).catch(() => false)
    const location = await Promise.race([this.#sent, isThere.then((there) => (there ? undefined : this.#sent))])
    if (this.#isTooSmall && !(await isThere)) return this.#take()
    if (location === undefined || (await isThere)) {
      giveUp()
      return (await isThere) ? 'was there' : undefined
    }
    const body = bytesContent('')
    const answer = await this.#request('PUT', withDigest(location, blob.digest), body).catch(() => undefined)
    if (answer?.status !== 201) return undefined
    this.#session = undefined
    return 'pushed'
  }

  /** Gives up what is not finished, and lets the registry forget what it got of it. Safe to call at any time. */
  async abandon(): Promise<void> {
    this.#givenUp ??= this.#giveUp()
    await this.#givenUp
  }

  async #giveUp(): Promise<void> {
    // A request that ends is an upload that can be taken back; docker-registry keeps what a broken one has sent.
    this.#isUnwanted = true
    const timer = setTimeout(() => this.#stop.abort(), COURTESY)
    await Promise.all([this.#sent, this.#opening])
    clearTimeout(timer)
    const session = this.#take()
    if (session !== undefined) await this.#client.abandonUpload(session.location)
  }

  /** Once. */
  #open(): Promise<OpenUpload | undefined> {
    const open = async () => {
      const opened = await this.#request('POST', 'blobs/uploads/', bytesContent(''))
      if (opened.status !== 202) return undefined
      this.#session = openUpload(opened, this.#client.location(opened, ABOUT))
      return this.#session
    }
    this.#opening ??= open().catch(() => undefined)
    return this.#opening
  }

  async #send(file: GrowingFile): Promise<URL | undefined> {
    if (!(await this.#begun)) return undefined
    const session = await this.#open()
    if (session === undefined) return undefined
    if (session.leastChunk > WORTHWHILE && !(await file.reaches(session.leastChunk))) {
      this.#isTooSmall = true
      return undefined
    }
    const name = this.#client.name
    const task = new Task(this.#options.report, `push ${name} early`, this.#client.what('push the layer'))
    try {
      const answer = await this.#request('PATCH', session.location, { open: () => this.#bytes(file, task) })
      if (answer.status !== 202) return undefined
      const location = this.#client.location(answer, ABOUT)
      this.#session = { ...session, location }
      if (this.#isUnwanted) return undefined
      task.finish('sent')
      return location
    } finally {
      task.finish('given up')
    }
  }

  /** Up to where the file, or the wish to have it sent, ends. */
  async *#bytes(file: GrowingFile, task: Task): AsyncGenerator<Uint8Array> {
    let sent = 0
    try {
      for await (const chunk of file.bytes()) {
        if (this.#isUnwanted) return
        yield chunk
        sent += chunk.byteLength
        task.at(sent)
      }
    } catch {
      this.#isUnwanted = true
    }
  }

  #request(method: 'POST' | 'PATCH' | 'PUT', path: string | URL, body: RequestBody) {
    const headers = method === 'POST' ? {} : BYTES
    return this.#client.request({ method, path, about: ABOUT, headers, body, signal: this.#signal, attempts: 1 })
  }
}
