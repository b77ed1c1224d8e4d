import type { Digest } from '../oci/digest.ts'
import type { GrowingFile } from '../oci/growing-file.ts'
import type { Reference } from '../oci/reference.ts'
import type { Descriptor } from '../oci/source.ts'
import { unlessAborted } from '../oci/unless-aborted.ts'
import type { RegistryClient } from './client.ts'
import { each } from './each.ts'
import { COURTESY, EarlyUpload, type EarlyUploadOptions } from './early-upload.ts'
import { findOrMount, isDonorFor } from './find-or-mount.ts'
import type { OpenUpload } from './open-upload.ts'

/** Blobs that are looked for at the same time. */
const AT_ONCE = 4

/** How the registry has a blob, or the upload session that is open for it; undefined when nothing was done for it. */
export type Early = 'pushed' | 'was there' | 'mounted' | OpenUpload | undefined

/**
 * What of a push to one repository is done while the image is being made: answers of a registry that is far away are not
 * waited for one after another at the end. Nothing waits for it before `finish`, and it never fails: whatever does not
 * work is left to the push.
 */
export class EarlyPush {
  readonly #client: RegistryClient
  readonly #target: Reference
  readonly #stop = new AbortController()
  readonly #signal: AbortSignal
  readonly #layer: EarlyUpload
  readonly #config: EarlyUpload
  /** Of blobs that the registry may have. */
  readonly #looked = new Map<Digest, Promise<Early>>()

  constructor(client: RegistryClient, target: Reference, options: EarlyUploadOptions) {
    this.#client = client
    this.#target = target
    this.#signal = AbortSignal.any([options.signal, this.#stop.signal])
    this.#layer = new EarlyUpload(client, options)
    this.#config = new EarlyUpload(client, options)
  }

  /** Has sessions opened for the config and the layer that are soon going to be made. Once. */
  prepare(): void {
    this.#layer.prepare()
    this.#config.prepare()
  }

  /** Has the layer sent while it is written to the file, and closes that. */
  start(file: GrowingFile): void {
    this.#layer.start(file)
  }

  /** Looks once for blobs that the image is going to have, and mounts them if they are in the registry elsewhere. */
  look(blobs: readonly Descriptor[], from: Reference): void {
    const donor = isDonorFor(this.#target)(from) ? from : undefined
    const unknown = blobs.filter(({ digest }) => !this.#looked.has(digest))
    const answers = unknown.map((blob) => ({ blob, ...Promise.withResolvers<Early>() }))
    for (const { blob, promise } of answers) this.#looked.set(blob.digest, promise)
    void each(answers, AT_ONCE, this.#signal, async ({ blob, resolve }, signal) => {
      resolve(await findOrMount(this.#client, blob, donor, signal, 1).catch(() => undefined))
    })
  }

  /**
   * Ends what was begun for a blob of the image. An abort of `signal` gives it up.
   * @param role what it is in the image @returns a session is the caller's to end @throws the signal's reason
   */
  async finish(blob: Descriptor, role: 'config' | 'layer' | 'base', signal: AbortSignal): Promise<Early> {
    if (role === 'config') return this.#config.finish(blob, signal)
    if (role === 'layer') return this.#layer.finish(blob, signal)
    const looked = this.#looked.get(blob.digest)
    const found = looked && (await unlessAborted(looked, signal))
    this.#looked.delete(blob.digest)
    return found
  }

  /** Gives up what is not finished. Safe to call at any time. */
  async abandon(): Promise<void> {
    const looked = [...this.#looked.values()]
    this.#looked.clear()
    const forget = async (found: Promise<Early>) => {
      const session = await found
      if (typeof session === 'object') await this.#client.abandonUpload(session.location)
    }
    const timer = setTimeout(() => this.#stop.abort(), COURTESY)
    await Promise.all([this.#layer.abandon(), this.#config.abandon(), ...looked.map(forget)])
    clearTimeout(timer)
  }
}
