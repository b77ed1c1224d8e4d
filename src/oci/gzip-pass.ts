import { createHash, type Hash } from 'node:crypto'
import { damagedData } from './damaged-data.ts'
import { GzipReader } from './gzip-reader.ts'
import { InflatedTar } from './inflated-tar.ts'
import { Inflater } from './inflater.ts'
import type { ScanAnswer, ScanFailure, ScanNews } from './scan-messages.ts'

/** What is found in a file that was read to its end. */
type Found = Omit<ScanAnswer, 'scan' | keyof ScanFailure>

/** A gzip file of which the blocks are looked for, and what else its first news asks for. */
export class GzipPass {
  news: ScanNews
  /** Bytes that were read, those that `push` is given included. */
  at = 0
  /** What it holds, if that was to be unpacked. */
  readonly unpacked: InflatedTar | undefined
  readonly #reader: GzipReader
  readonly #hash: Hash | undefined

  /** @param tell see `InflatedTar` */
  constructor(news: ScanNews, tell: (written: number) => void) {
    this.news = news
    const tar = news.unpack && new InflatedTar(news.unpack, tell)
    this.unpacked = tar
    this.#hash = news.hashed === true ? createHash('sha256') : undefined
    this.#reader = new GzipReader(new Inflater(tar && ((raw) => tar.push(raw, this.at))))
  }

  /** @throws as `InflatedTar.push`; ARCHIVE_INVALID for damaged gzip that is to be unpacked */
  push(chunk: Uint8Array): void {
    this.#hash?.update(chunk)
    this.#reader.push(chunk)
    this.#refuseFault()
  }

  /** @throws as `push` */
  end(): Found {
    const blocks = this.#reader.end()
    this.#refuseFault()
    return { blocks, sha256: this.#hash?.digest('hex'), ...this.unpacked?.end() }
  }

  close(): void {
    this.unpacked?.close()
  }

  /** What is only looked at may be anything. */
  #refuseFault(): void {
    const { fault } = this.#reader
    const { unpack } = this.news
    if (unpack !== undefined && fault !== undefined) throw damagedData(unpack.what, 'gzip', this.at, fault)
  }
}
