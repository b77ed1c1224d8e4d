import { OcibakeError } from '../errors.ts'

/** `11211`, `'53/udp'`, `'8000-8002'` or `'8000-8002/sctp'`; tcp if nothing is said. */
export type PortChange = number | string

const HIGHEST = 65535

/**
 * The keys of `ExposedPorts` that a port of a spec means: one `port/protocol` for each port of a range, as Docker's
 * EXPOSE writes them.
 * @throws SPEC_INVALID
 */
export function portKeys(port: PortChange): readonly string[] {
  const match = /^([0-9]{1,5})(?:-([0-9]{1,5}))?(?:\/(tcp|udp|sctp))?$/i.exec(String(port))
  const first = Number(match?.[1])
  const last = Number(match?.[2] ?? match?.[1])
  if (match === null || first < 1 || last < first || last > HIGHEST) {
    const got = String(port)
      .slice(0, 40)
      .replace(/[^\x20-\x7e]/g, '?')
    throw new OcibakeError(
      'SPEC_INVALID',
      `The port is '${got}'; wanted 1 to ${HIGHEST}, a range, or either with a protocol.`,
      {
        hint: "For example: 11211, '53/udp', '8000-8002'",
      },
    )
  }
  const protocol = match[3]?.toLowerCase() ?? 'tcp'
  return Array.from({ length: last - first + 1 }, (_, i) => `${first + i}/${protocol}`)
}

/** The key as `portKeys` writes it: some images leave `/tcp` out. */
export function normalPortKey(key: string): string {
  return key.includes('/') ? key : `${key}/tcp`
}
