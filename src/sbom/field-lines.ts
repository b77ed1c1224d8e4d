import { setImmediate } from 'node:timers/promises'

/** The fields of one entry, as written; of a name that is there twice, the first. */
export type Fields = ReadonlyMap<string, string>

/** Fields that an entry has at most: others are left out. dpkg's and Python's have some thirty. */
const MOST = 200
/** Lines after which others get their turn: signals, for one. */
const AT_ONCE = 10_000

/**
 * The entries of a text with one `Name: value` a line and an empty line behind each: dpkg's and apk's databases, and the
 * head of Python's metadata. Lines that go on with the value before are left out: those are long texts. Of an entry without
 * any field, there is an empty one. @throws the signal's reason
 */
export async function* fieldLines(text: string, signal: AbortSignal): AsyncGenerator<Fields> {
  let fields: Map<string, string> | undefined
  let count = 0
  for (const line of linesOf(text)) {
    if (++count % AT_ONCE === 0) {
      await setImmediate()
      signal.throwIfAborted()
    }
    if (line.trim() === '') {
      if (fields !== undefined) yield fields
      fields = undefined
      continue
    }
    fields ??= new Map()
    const colon = line.indexOf(':')
    const name = line.slice(0, colon)
    const isField = colon > 0 && fields.size < MOST && !/^\s/.test(line)
    if (isField && !fields.has(name)) fields.set(name, line.slice(colon + 1).trim())
  }
  if (fields !== undefined) yield fields
}

/** One by one: a database may have a million. */
function* linesOf(text: string): Generator<string> {
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\n', at)
    const next = end === -1 ? text.length : end
    yield text.slice(at, next)
    at = next + 1
  }
}
