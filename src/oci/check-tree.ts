import type { ByteString } from './name.ts'
import {
  HAS_BYTES,
  HAS_LINKS,
  IS_APPLIED,
  IS_TOGETHER,
  KIND_MASK,
  KINDS,
  NO_ATTRS,
  OPAQUE,
  PLACE,
  SAME_ATTRS,
  SHARED,
  UNDESCRIBED,
  WHOLE,
  XATTRS,
} from './tree-codec.ts'
import { invalidTree, UntrustedReader } from './untrusted-reader.ts'
import { WHITEOUT_PREFIX } from './whiteout-name.ts'

/** As LayerBuilder takes them, whose trees have no longer ones. */
const [LONGEST_NAME, LONGEST_PATH, LONGEST_TARGET] = [255, 4095, 4095]
const MOST_ID = 2 ** 32 - 2
const DOT = 0x2e
const FACTS = IS_APPLIED | HAS_LINKS | HAS_BYTES

/** A folder whose nodes are still to be looked at. */
interface Folder {
  readonly place: number
  /** What is said of all below it. */
  readonly facts: number
  /** Bytes of its path, with a '/' behind it. */
  readonly length: number
}

/**
 * Looks through all of what `readTree` would be given, which itself checks nothing: afterwards every folder of it can be
 * read, as one that LayerBuilder could have made. Of what the tar has together nothing may be said: it is not here.
 * @throws LAYER_INVALID
 */
export function checkTree(bytes: Buffer): void {
  new TreeCheck(bytes).run()
}

class TreeCheck {
  readonly #bytes: Buffer
  readonly #folders: Folder[] = []
  /** Places of folders: each is in one folder, so that there are no loops and no more nodes than bytes. */
  readonly #seen = new Set<number>()
  /** Places of attributes that were looked at. */
  readonly #attrs = new Set<number>()
  readonly #from: UntrustedReader

  constructor(bytes: Buffer) {
    this.#bytes = bytes
    this.#from = new UntrustedReader(bytes)
  }

  run(): void {
    const { length } = this.#bytes
    if (length < PLACE) throw invalidTree('it is too short')
    this.#from.go(this.#bytes.readUIntLE(length - PLACE, PLACE))
    const flags = this.#from.number()
    if (this.#from.number() !== 0 || KINDS[flags & KIND_MASK] !== 'directory') {
      throw invalidTree('its root is no directory')
    }
    const facts = flags & FACTS & ~IS_APPLIED
    this.#node(flags, false, { place: 0, facts, length: 0 }, 0)
    for (let folder = this.#folders.pop(); folder !== undefined; folder = this.#folders.pop()) this.#children(folder)
  }

  #children(folder: Folder): void {
    this.#from.go(folder.place)
    let left = this.#from.number()
    const names = this.#from.string()
    if (names.includes('\0') || names.includes('/')) throw invalidTree('a name is none')
    let at = 0
    const all: ByteString[] = []
    let isSorted = true
    for (let hasAttrs = false; left > 0; left--) {
      const flags = this.#from.number()
      const length = this.#from.number(LONGEST_NAME)
      if (length === 0 || at + length > names.length) throw invalidTree('a name is none')
      const name = names.slice(at, at + length)
      // '.' and '..' as well as those of whiteouts.
      if (names.charCodeAt(at) === DOT && !isName(name)) throw invalidTree('a name is none')
      isSorted &&= all.length === 0 || all.at(-1)! < name
      all.push(name)
      at += length
      hasAttrs = this.#node(flags, hasAttrs, folder, length)
    }
    if (at !== names.length) throw invalidTree('names are left over')
    if (!isSorted && new Set(all).size !== all.length) throw invalidTree('a folder has a name twice')
  }

  /** @returns whether the next one may have the same attributes */
  #node(flags: number, hadAttrs: boolean, folder: Folder, nameLength: number): boolean {
    let hasAttrs = hadAttrs
    if ((flags & SAME_ATTRS) === 0) {
      hasAttrs = (flags & NO_ATTRS) === 0
      if (hasAttrs) this.#attrsAt(this.#from.number())
    }
    const kind = KINDS[flags & KIND_MASK]!
    const isOfLayer = kind === 'whiteout' || kind === 'link' || (kind === 'directory' && !hasAttrs)
    const isApplied = !isOfLayer && (kind !== 'directory' || (flags & (IS_APPLIED | OPAQUE)) === IS_APPLIED)
    if ((folder.facts & IS_APPLIED) !== 0 && !isApplied) throw invalidTree('more is in it than it says')
    if (kind === 'directory') this.#folder(flags, folder, nameLength)
    else if (kind === 'link') this.#target(true)
    else if (kind !== 'whiteout') {
      if (!hasAttrs) throw invalidTree('a file has no attributes')
      this.#leaf(kind, flags, folder)
    }
    return hasAttrs
  }

  #folder(flags: number, parent: Folder, nameLength: number): void {
    const place = this.#from.number()
    const facts = flags & FACTS
    const length = parent.length + nameLength + 1
    const hides = facts & ~parent.facts & (HAS_LINKS | HAS_BYTES)
    if ((flags & IS_TOGETHER) !== 0 || hides !== 0) throw invalidTree('more is in it than it says')
    if (length > LONGEST_PATH || this.#seen.has(place)) throw invalidTree('it has a folder too many')
    this.#seen.add(place)
    this.#folders.push({ place, facts, length })
  }

  #leaf(kind: 'file' | 'symlink' | 'character' | 'block' | 'fifo', flags: number, { facts }: Folder): void {
    if (kind === 'file') this.#file(flags, facts)
    else if (kind === 'symlink') this.#target(false)
    else if (kind !== 'fifo') for (let left = 2; left > 0; left--) this.#from.number(MOST_ID)
    if ((flags & SHARED) === 0) return
    if ((facts & HAS_LINKS) === 0) throw invalidTree('more is in it than it says')
    this.#from.number()
  }

  #file(flags: number, facts: number): void {
    const size = this.#from.number()
    if (size === 0) return
    if ((facts & HAS_BYTES) === 0) throw invalidTree('more is in it than it says')
    if ((flags & WHOLE) !== 0) {
      this.#from.number()
      return
    }
    let end = 0
    for (let left = this.#from.number(); left > 0; left--) {
      this.#from.number()
      const at = this.#from.number()
      end = at + this.#from.number()
      if (end > size) throw invalidTree('a file has data behind its end')
    }
  }

  #target(isPath: boolean): void {
    const target = this.#from.string()
    const isRight = isText(target) && target !== '' && target.length <= LONGEST_TARGET
    if (!isRight || (isPath && !target.split('/').every(isName))) throw invalidTree('a link leads nowhere')
  }

  #attrsAt(place: number): void {
    if (this.#attrs.has(place)) return
    this.#attrs.add(place)
    const { at } = this.#from
    this.#from.go(place)
    this.#attributes()
    this.#from.go(at)
  }

  #attributes(): void {
    const flags = this.#from.number()
    if ((flags & UNDESCRIBED) !== 0) return
    this.#from.number(0o7777)
    this.#from.number(MOST_ID)
    this.#from.number(MOST_ID)
    this.#from.number()
    if ((flags & XATTRS) === 0) return
    for (let left = this.#from.number(); left > 0; left--) {
      if (!isText(this.#from.string())) throw invalidTree('an attribute has a name that is none')
      this.#from.skip()
    }
  }
}

function isName(name: ByteString): boolean {
  const isSpecial = name === '' || name === '.' || name === '..' || name.startsWith(WHITEOUT_PREFIX)
  return !isSpecial && name.length <= LONGEST_NAME && isText(name) && !name.includes('/')
}

const isText = (text: ByteString) => !text.includes('\0')
