const SECRET = /(access|secret|private|api)_?key|secret|token|passw(or)?d|passphrase|credential/i

/** The name is that of a credential; its value is shown nowhere. */
export function isSecretName(name: string): boolean {
  return SECRET.test(name)
}
