import { OcibakeError } from '../errors.ts'
import { type ByteString, display } from '../oci/name.ts'
import type { SecretKind } from '../secrets/secret-search.ts'
import type { Needle, SecretValue } from '../secrets/secret-values.ts'
import { HIDDEN, withoutSecrets } from '../secrets/without-secrets.ts'
import type { Plan, PlannedStep } from '../spec/plan.ts'

/** A secret that would get into the image. */
export interface Leak {
  readonly kind: SecretKind
  /** Of a credential. */
  readonly needle?: Pick<Needle, 'name' | 'form'>
  /** `/etc/app/.npmrc`, `config.env.TOKEN`, `history`, `sbom`. */
  readonly place: ByteString
  /** What brought it: a step, the base, the spec itself, or an earlier build, of whose steps nobody knows any more. */
  readonly from: PlannedStep | 'base' | 'spec' | 'cache'
}

const KINDS: Readonly<Record<Exclude<SecretKind, 'credential'>, string>> = {
  'private-key': 'a private key',
  'aws-key': 'an access key of AWS',
  'docker-auth': 'a login for a registry',
  'npm-token': 'a token for an npm registry',
  'github-token': 'a token for GitHub',
  'gitlab-token': 'a token for GitLab',
  'slack-token': 'a token for Slack',
}

/** Leaks that a message lists. */
const SHOWN = 10

/** What to throw for leaks, of which there is one at least. It has no value of any of them, nor of `values`. */
export function secretFound(found: readonly Leak[], plan: Plan, values: readonly SecretValue[]): OcibakeError {
  const shown = withoutSecrets(values)
  const leaks = found.map((leak) => ({ ...leak, place: shown(leak.place) }))
  const origins = new Set(leaks.map(originOf))
  const one = origins.size === 1 ? [...origins][0]! : undefined
  const lines = leaks
    .slice(0, SHOWN)
    .map((leak) => `${display(leak.place)} has ${secretIn(leak)}${one === undefined ? `, from ${originOf(leak)}` : ''}`)
  const more = leaks.length > SHOWN ? [`… and ${leaks.length - SHOWN} more`] : []
  const where = one === undefined || one === 'the spec' ? plan.file : `${plan.file}, ${one}`
  return new OcibakeError('SECRET_FOUND', [...lines, ...more].map((line) => `${line}.`).join('\n'), {
    where,
    hint: hintFor(leaks.slice(0, SHOWN)),
  })
}

function originOf({ from }: Leak): string {
  if (typeof from === 'object') return `step ${from.number} (${from.verb})`
  return from === 'cache' ? 'the layer in the cache' : `the ${from}`
}

function secretIn({ kind, needle }: Leak): string {
  if (kind !== 'credential') return KINDS[kind]
  const form = needle!.form === '' ? '' : `, ${needle!.form === 'base64' ? 'in base64' : needle!.form}`
  return `${needle!.name}${form}`
}

function hintFor(leaks: readonly Leak[]): string {
  const isOld = leaks.every(({ from }) => from === 'base')
  const cure = isOld ? 'Take another base, and have that credential replaced.' : 'Take it out of the image.'
  const places = [...new Set(leaks.map(({ place }) => `'${display(place).replaceAll(HIDDEN, '*')}'`))]
  const [first, ...more] = leaks
  const allowed = more.length === 0 ? `{ path: ${places[0]}, kind: '${first!.kind}' }` : places.join(', ')
  return `${cure} If it is meant to be there, write into the spec: allowSecrets: [${allowed}]`
}
