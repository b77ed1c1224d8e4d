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

/** A raw tar, hashed and indexed as it passes; its checks are made by somebody else. */
export class TarSums {
  readonly #digester = new Digester()
  readonly #scanner = new TarScanner()
  readonly #index = new IndexWriter()

  /** The next bytes, which are not needed after the call. @throws as `TarScanner.push` */
  push(chunk: Uint8Array): void {
    this.#digester.update(chunk)
    for (const entry of this.#scanner.push(chunk)) this.#index.add(entry)
  }

  /** Can be asked once. @param checks as of `FileChecks` @throws as `TarScanner.end` */
  end(checks: Uint32Array, options?: TarEndOptions): TarSummary {
    for (const entry of this.#scanner.end(options)) this.#index.add(entry)
    const { size } = this.#digester
    const diffId = this.#digester.digest()
    return { diffId, index: this.#index.finish(diffId, size, checks) }
  }
}

/** A raw tar on its way into the store: hashed and indexed as it passes. */
export class PassingTar {
  readonly #sums = new TarSums()
  readonly #checks = new FileChecks()

  /** The next bytes, which are not needed after the call. @returns their CRC-32 @throws as `TarScanner.push` */
  push(chunk: Uint8Array): number {
    this.#sums.push(chunk)
    return this.#checks.push(chunk)
  }

  /** Can be asked once. @throws as `TarScanner.end` */
  end(options?: TarEndOptions): TarSummary {
    return this.#sums.end(this.#checks.soFar(), options)
  }
}
