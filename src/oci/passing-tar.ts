import { type Digest, Digester } from './digest.ts'
import { FileChecks } from './file-checks.ts'
import { IndexWriter } from './layer-index.ts'
import { type TarEndOptions, TarScanner } from './tar-scan.ts'

/** What the store has to know of a raw tar. */
export interface TarSummary {
  readonly diffId: Digest
  /** As `IndexWriter` makes it. */
  readonly index: Buffer
}

/** A raw tar on its way into the store: hashed and indexed as it passes. */
export class PassingTar {
  readonly #digester = new Digester()
  readonly #scanner = new TarScanner()
  readonly #checks = new FileChecks()
  readonly #index = new IndexWriter()

  /** The next bytes, which are not needed after the call. @returns their CRC-32 @throws as `TarScanner.push` */
  push(chunk: Uint8Array): number {
    this.#digester.update(chunk)
    for (const entry of this.#scanner.push(chunk)) this.#index.add(entry)
    return this.#checks.push(chunk)
  }

  /** Can be asked once. @throws as `TarScanner.end` */
  end(options?: TarEndOptions): TarSummary {
    for (const entry of this.#scanner.end(options)) this.#index.add(entry)
    const { size } = this.#digester
    const diffId = this.#digester.digest()
    return { diffId, index: this.#index.finish(diffId, size, this.#checks.end()) }
  }
}
