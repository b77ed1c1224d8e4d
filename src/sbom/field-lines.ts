/** The fields of one entry, as written; of a name that is there twice, the first. */
export type Fields = ReadonlyMap<string, string>

/**
 * The entries of a text with one `Name: value` a line and an empty line behind each: dpkg's and apk's databases, and the
 * head of Python's metadata. Lines that go on with the value before are left out: those are long texts. Of an entry without
 * any field, there is an empty one.
 */
export function* fieldLines(text: string): Generator<Fields> {
  let fields: Map<string, string> | undefined
  for (const line of linesOf(text)) {
    if (line.trim() === '') {
      if (fields !== undefined) yield fields
      fields = undefined
      continue
    }
    fields ??= new Map()
    const colon = line.indexOf(':')
    const name = line.slice(0, colon)
    if (colon > 0 && !/^\s/.test(line) && !fields.has(name)) fields.set(name, line.slice(colon + 1).trim())
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
