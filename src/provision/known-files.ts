import { type Digest, digestOf } from '../oci/digest.ts'
import type { ByteString } from '../oci/name.ts'
import type { Store } from '../oci/store.ts'
import type { HostStat } from './host-source.ts'

/** A step's source as the last build found it: what its files hash to, and by what to tell that they still do. */
export interface KnownFiles {
  /** Of all that was found, times and inodes too; undefined when that could not tell the next change. */
  readonly stamps: Digest | undefined
  /** Of what the image gets. */
  readonly digest: Digest
}

/** Path below the source -> what the image gets, and the stamp of a file that was old enough to be known again by it. */
export type FileTable = ReadonlyMap<ByteString, FileRow>

export interface FileRow {
  /** A digest or the target of a symlink, with the mode: two rows are equal when the image gets the same. */
  readonly what: string
  readonly stamp: string
}

/** A table of so many rows takes 20 MB while it is read; beyond, files are hashed anew when one of them changed. */
const MOST_ROWS = 100_000

/**
 * A file that was changed so shortly before it was looked at may be changed again without looking different: clocks of
 * file systems have ticks, of up to two seconds (FAT, some servers). Milliseconds.
 */
const TICK = 2000

/** Whether the stat of a file tells that it was not changed since, when it was taken at `now` (milliseconds). */
export function isSettled({ mtimeNs, ctimeNs }: HostStat, now: number): boolean {
  const limit = BigInt(Math.floor(now - TICK)) * 1_000_000n
  return mtimeNs < limit && ctimeNs < limit
}

/** ctime is the one time that nobody can set. */
export function stampOf({ size, mtimeNs, ctimeNs, ino }: HostStat): string {
  return `${size} ${mtimeNs} ${ctimeNs} ${ino}`
}

/** What the store knows of the source called `name`, a text that is the same in every build of the same step. */
export class FileMemory {
  readonly #store: Pick<Store, 'get' | 'set'>
  readonly #key: Digest

  constructor(store: Pick<Store, 'get' | 'set'>, name: string) {
    this.#store = store
    this.#key = digestOf(`ocibake files of ${name}`)
  }

  async known(): Promise<KnownFiles | undefined> {
    return (await this.#store.get(this.#key)) as KnownFiles | undefined
  }

  /** Empty when the store has none. */
  async table(): Promise<FileTable> {
    const text = await this.#store.get(this.#tableKey)
    if (typeof text !== 'string') return new Map()
    return new Map(
      text.split('\n').map((line) => {
        const [path, what, stamp] = line.split('\0')
        return [path!, { what: what!, stamp: stamp! }]
      }),
    )
  }

  async keep(known: KnownFiles, table: FileTable): Promise<void> {
    const rows = table.size > MOST_ROWS ? [] : [...table]
    // A name may hold a newline: then the file is not known again, and that is all.
    const lines = rows
      .filter(([path]) => !path.includes('\n'))
      .map(([path, row]) => `${path}\0${row.what}\0${row.stamp}`)
    await this.#store.set(this.#tableKey, lines.join('\n'))
    await this.#store.set(this.#key, known)
  }

  get #tableKey(): Digest {
    return digestOf(`${this.#key} table`)
  }
}
