import type { Finding } from './finding.ts'
import type { Variable } from './template.ts'

const SECRET = /(access|secret|private|api)_?key|secret|token|passw(or)?d|passphrase|credential/i

/** The name is that of a credential; its value is shown nowhere. */
export function isSecretName(name: string): boolean {
  return SECRET.test(name)
}

/** A credential that stands in the template itself, as the default of a variable. */
export function secretDefault({ name, place, default: value, env }: Variable): Finding | undefined {
  if (!isSecretName(name) || env !== undefined || typeof value !== 'string' || value === '') return undefined
  return {
    kind: 'defect',
    id: 'OB124',
    place,
    says: `The variable '${name}' has a credential as its default, in the template.`,
    advice: 'Take it out, and have it replaced if it was a real one; ocibake takes credentials from where it runs.',
  }
}
