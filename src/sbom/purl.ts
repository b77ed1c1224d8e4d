/** The parts of a package URL, as they are: encoding is done by `purl`. */
export interface PurlParts {
  readonly type: 'apk' | 'deb' | 'generic' | 'npm' | 'oci' | 'pypi'
  readonly namespace?: string | undefined
  readonly name: string
  readonly version?: string | undefined
  /** Those that are undefined are left out. */
  readonly qualifiers?: Readonly<Record<string, string | undefined>>
}

/** `pkg:type/namespace/name@version?key=value`, canonical. (https://github.com/package-url/purl-spec, ECMA-427) */
export function purl({ type, namespace, name, version, qualifiers = {} }: PurlParts): string {
  const path = [namespace, name].filter((part) => part !== undefined).map(encoded)
  const pairs = Object.entries(qualifiers).flatMap(([key, value]) =>
    value === undefined || value === '' ? [] : [`${key}=${encoded(value)}`],
  )
  const at = version === undefined ? '' : `@${encoded(version)}`
  return `pkg:${type}/${path.join('/')}${at}${pairs.length === 0 ? '' : `?${pairs.sort().join('&')}`}`
}

/** All but letters, digits and `.-_~:`; encodeURIComponent leaves five more. A pattern takes ten times as long for `!!!!`. */
function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed())
    .replaceAll('!', '%21')
    .replaceAll("'", '%27')
    .replaceAll('(', '%28')
    .replaceAll(')', '%29')
    .replaceAll('*', '%2A')
    .replaceAll('%3A', ':')
}
