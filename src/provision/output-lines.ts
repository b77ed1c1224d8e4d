/** Longer lines come in pieces of this many bytes, so that a flood without newlines costs no memory. */
export const LONGEST_LINE = 64 * 1024

const NEWLINE = 0x0a
const RETURN = 0x0d

/** Cuts a stream of bytes into lines of text. Bytes that are no UTF-8 appear as `\xff`; `\r\n` ends a line as `\n` does. */
export class OutputLines {
  readonly #onLine: (line: string) => void
  #held: Buffer[] = []
  #size = 0

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine
  }

  push(chunk: Buffer): void {
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      this.#hold(chunk.subarray(start, end))
      this.#emit(this.#take(), true)
      start = end + 1
    }
    this.#hold(chunk.subarray(start))
  }

  /** The last line, if it had no newline. */
  end(): void {
    if (this.#size > 0) this.#emit(this.#take(), true)
  }

  #hold(piece: Buffer): void {
    let rest = piece
    while (this.#size + rest.length > LONGEST_LINE) {
      const room = LONGEST_LINE - this.#size
      this.#keep(rest.subarray(0, room))
      rest = rest.subarray(room)
      const line = this.#take()
      const whole = endOfCharacters(line)
      this.#emit(line.subarray(0, whole), false)
      this.#keep(line.subarray(whole))
    }
    this.#keep(rest)
  }

  #keep(piece: Buffer): void {
    if (piece.length === 0) return
    this.#held.push(piece)
    this.#size += piece.length
  }

  #take(): Buffer {
    const line = this.#held.length === 1 ? this.#held[0]! : Buffer.concat(this.#held)
    this.#held = []
    this.#size = 0
    return line
  }

  #emit(bytes: Buffer, ended: boolean): void {
    const line = ended && bytes.at(-1) === RETURN ? bytes.subarray(0, -1) : bytes
    this.#onLine(readable(line))
  }
}

/** Where the last character that is complete ends: a cut must not fall into a UTF-8 sequence. */
function endOfCharacters(bytes: Buffer): number {
  let start = bytes.length - 1
  while (start > bytes.length - 4 && (bytes[start]! & 0xc0) === 0x80) start--
  const first = bytes[start]!
  const wanted = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1
  return start + wanted > bytes.length ? start : bytes.length
}

const STRICT = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function readable(bytes: Buffer): string {
  try {
    return STRICT.decode(bytes)
  } catch {
    return escapeInvalid(bytes)
  }
}

/** Only the bytes that are no UTF-8 are escaped, so that one bad byte does not make a line unreadable. */
function escapeInvalid(bytes: Buffer): string {
  let text = ''
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at]!
    const length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 0
    const decoded = length === 0 ? undefined : decodeOne(bytes.subarray(at, at + length))
    text += decoded ?? `\\x${first.toString(16).padStart(2, '0')}`
    at += decoded === undefined ? 1 : length
  }
  return text
}

function decodeOne(bytes: Buffer): string | undefined {
  try {
    return STRICT.decode(bytes)
  } catch {
    return undefined
  }
}
