const HEAD = /-----BEGIN ((?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?)-----/y
/** Ends of lines; in JSON and in variables they are escaped. */
const BREAK = /\r?\n|(?:\\r)?\\n/

/**
 * Whether a whole private key in PEM starts at `at`: both lines that frame it, and between them base64 of what the first
 * says. Programs that read keys have those lines, too. (RFC 7468; RFC 1421 for headers; RFC 9580 for PGP)
 */
export function pemKey(text: string, at: number): boolean {
  HEAD.lastIndex = at
  const [head, label] = HEAD.exec(text) ?? []
  if (head === undefined || label === undefined) return false
  const start = at + head.length
  const foot = `-----END ${label}-----`
  const end = text.indexOf(foot, start)
  if (end === -1 || isLiteral(text, at, end + foot.length)) return false
  return isKey(label, text.slice(start, end))
}

/** Compiled into a program, as libgnutls has keys to test itself with: a text of C ends with a zero byte. */
function isLiteral(text: string, start: number, end: number): boolean {
  return text[start - 1] === '\0' || text[end] === '\0' || (text[end] === '\n' && text[end + 1] === '\0')
}

function isKey(label: string, between: string): boolean {
  const lines = between.split(BREAK).map((line) => line.trim())
  // Headers such as `Proc-Type: 4,ENCRYPTED`, and the checksum of PGP, are no base64.
  const body = lines.filter((line) => line !== '' && !line.includes(': ') && !/^=[A-Za-z0-9+/]{4}$/.test(line)).join('')
  if (!/^[A-Za-z0-9+/]{40,}={0,2}$/.test(body)) return false
  const bytes = Buffer.from(body, 'base64')
  if (label.startsWith('OPENSSH')) return bytes.toString('latin1', 0, 14) === 'openssh-key-v1'
  if (label.startsWith('PGP')) return (bytes[0]! & 0xfc) === 0x94 || bytes[0] === 0xc5
  return lines.some((line) => /ENCRYPTED/.test(line)) || isWhole(bytes)
}

/** A sequence in DER that is as long as it says (X.690, section 8.1.3). */
function isWhole(bytes: Buffer): boolean {
  if (bytes[0] !== 0x30) return false
  const first = bytes[1]!
  if (first < 0x80) return bytes.byteLength === 2 + first
  const digits = first & 0x7f
  if (digits === 0 || digits > 3 || bytes.byteLength < 2 + digits) return false
  return bytes.byteLength === 2 + digits + bytes.readUIntBE(2, digits)
}
