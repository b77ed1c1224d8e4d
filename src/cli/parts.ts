import { readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Script } from 'node:vm'
import { crc32 } from 'node:zlib'
import { makeFoldersSync } from '../oci/make-folders.ts'
import { usualTag, withUsualHeap } from './small-heap.ts'

/** Bytes before what V8 has made of a part: check sums of the part's text and of what follows. */
const HEAD = 8
/** Versions and flags of V8, and processors, for which a part's code is kept. */
const TAGS = 3

interface Part {
  readonly exports: Record<string, unknown>
}

interface Compiled {
  readonly name: string
  readonly script: Script
  readonly sum: number
}

export interface PartsOptions {
  /** Where compiled code is kept, if anywhere: asked for each time. What is in it is executed. */
  readonly code?: () => string | undefined
  /** Where code is that was compiled when the package was made, taken if nothing is kept. Has no tags in its names. */
  readonly shipped?: string | undefined
  /** What a part is called in what is kept, if that is not where it is. What is taken from there has the real name again. */
  readonly called?: (name: string) => string
  /** Whatever uses other functions of the parts should have another one. A file name. */
  readonly use?: string
}

/**
 * The parts of the package: files in which the modules are that are loaded together, in CommonJS and ASCII, which V8 can
 * keep with the functions that were called. Of ES modules Node keeps what was compiled before the first call, and the
 * functions are compiled again in each process: that was a quarter of a build in which nothing has changed.
 */
export class Parts {
  readonly #folder: string
  readonly #options: PartsOptions
  readonly #loaded = new Map<string, Part>()
  readonly #compiled: Compiled[] = []

  /** @param folder where the parts are: absolute */
  constructor(folder: string, options: PartsOptions = {}) {
    this.#folder = folder
    this.#options = options
  }

  /** What a part exports. It is executed once. @param name of its file */
  load(name: string): unknown {
    const known = this.#loaded.get(name)
    if (known !== undefined) return known.exports
    const part: Part = { exports: {} }
    this.#loaded.set(name, part)
    const file = join(this.#folder, name)
    const isPart = (id: string) => id.startsWith('./')
    const require = (id: string) => (isPart(id) ? this.load(id.slice(2)) : process.getBuiltinModule(id))
    // Only a module that Node has loaded may import others: specs.
    const importModule = (url: string): Promise<unknown> => import(url)
    try {
      this.#compile(name, file).call(undefined, part.exports, require, part, file, importModule)
    } catch (error) {
      // Whoever asks again gets the same error, not half of the part.
      this.#loaded.delete(name)
      throw error
    }
    return part.exports
  }

  /** Keeps the functions that were called so far, of parts that were not taken from what was kept. Never throws. */
  keep(): void {
    try {
      const folder = this.#options.code?.()
      if (folder === undefined || this.#compiled.length === 0) return
      makeFoldersSync(folder, 0o700)
      withUsualHeap(() => {
        for (const compiled of this.#compiled.splice(0)) {
          write(this.#kept(folder, compiled.name), compiled)
          removeOldest(folder, `${this.#of(compiled.name)}-`)
        }
      })
    } catch {
      // What is not kept is compiled again.
    }
  }

  #compile(name: string, file: string): (...args: unknown[]) => void {
    const text = readFileSync(file)
    const sum = crc32(text)
    const cachedData = this.#known(name, sum)
    const source = `(function (exports, require, module, __filename, importModule) { 'use strict'; ${text.toString('latin1')}\n})`
    const filename = this.#options.called?.(name) ?? file
    const script = withUsualHeap(() => new Script(source, { filename, ...(cachedData && { cachedData }) }))
    if (script.cachedDataRejected !== false) this.#compiled.push({ name, script, sum })
    return script.runInThisContext()
  }

  /** What V8 made of a part of this text; of what was shipped, V8 itself says if it is of its version and flags. */
  #known(name: string, sum: number): Buffer | undefined {
    const { code, shipped } = this.#options
    const folder = code?.()
    const kept = folder === undefined ? undefined : read(this.#kept(folder, name), sum)
    return kept ?? (shipped === undefined ? undefined : read(join(shipped, this.#of(name)), sum))
  }

  /** By what V8 takes compiled code, too: its version and flags, and what the processor can do. */
  #kept(folder: string, name: string): string {
    return join(folder, `${this.#of(name)}-${usualTag.toString(16)}`)
  }

  #of(name: string): string {
    return `${this.#options.use ?? 'any'}-${name}`
  }
}

/** undefined for what is missing, damaged, or of another text: V8 itself looks at its length alone. */
function read(file: string, sum: number): Buffer | undefined {
  try {
    const bytes = readFileSync(file)
    const data = bytes.subarray(HEAD)
    return bytes.readUInt32LE(0) === sum && bytes.readUInt32LE(4) === crc32(data) ? data : undefined
  } catch {
    return undefined
  }
}

/** Whoever changes Node now and then would never take most of it again. */
function removeOldest(folder: string, prefix: string): void {
  const names = readdirSync(folder).filter((name) => name.startsWith(prefix) && !name.includes('.', prefix.length))
  const dated = names
    .map((name) => join(folder, name))
    // Another process may be doing the same.
    .map((file) => ({ file, time: statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
    .sort((a, b) => b.time - a.time)
  for (const { file } of dated.slice(TAGS)) rmSync(file, { force: true })
}

function write(file: string, { script, sum }: Compiled): void {
  const data = script.createCachedData()
  const head = Buffer.alloc(HEAD)
  head.writeUInt32LE(sum, 0)
  head.writeUInt32LE(crc32(data), 4)
  const unfinished = `${file}.${process.pid}`
  try {
    rmSync(unfinished, { force: true })
    writeFileSync(unfinished, Buffer.concat([head, data]), { mode: 0o600, flag: 'wx' })
    renameSync(unfinished, file)
  } catch (error) {
    rmSync(unfinished, { force: true })
    throw error
  }
}
