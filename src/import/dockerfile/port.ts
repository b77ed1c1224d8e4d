/** As a spec's `expose` takes it: `80`, `53/udp`, `8000-8002`; of `ip:host:container` the last. Variables may be hidden in it. */
export function portOf(text: string): string | undefined {
  const [ports = '', protocol = 'tcp'] = text.slice(text.lastIndexOf(':') + 1).split('/')
  const isNumber = /^[\d\u{100000}-\u{10fffd}]+(-[\d\u{100000}-\u{10fffd}]+)?$/u.test(ports)
  const known = protocol.toLowerCase()
  if (!isNumber || !['tcp', 'udp', 'sctp'].includes(known)) return undefined
  return known === 'tcp' ? ports : `${ports}/${known}`
}
