import { type ErrorCode, OcibakeError } from '../errors.ts'
import { isJsonObject } from '../oci/json.ts'
import { ecrService } from './ecr-host.ts'
import { redact } from './redact.ts'
import type { Answer } from './transport.ts'

/** One entry of a registry's error document: distribution-spec, "Error Codes". */
interface RegistryComplaint {
  readonly code: string
  readonly message: string
}

/** Who answered, and to whom. */
export interface FailureDetail {
  /** As whom it was asked (`anonymously`, `as 'bob'`), where that matters. */
  readonly who?: string
  /** What answered in the registry's place: that it does not have something says nothing of the registry. */
  readonly instead?: 'token server' | 'storage' | undefined
}

/**
 * The error that an unwanted answer amounts to: its status, and the registry's own code and words, cleaned.
 * `what` was asked for.
 */
export function failure(answer: Answer, what: string, registry: string, detail: FailureDetail = {}): OcibakeError {
  const { who, instead } = detail
  const complaints = complaintsIn(answer)
  const code = codeOf(answer.status, complaints, instead !== undefined)
  const words = complaints.map(({ code, message }) => [code, message].filter((part) => part !== '').join(': '))
  const said = words.length === 0 ? '' : `: ${redact(words.join('; '))}`
  const tried = answer.attempts > 1 ? ` after ${answer.attempts} attempts` : ''
  const asked = who === undefined || answer.status >= 500 ? '' : `, asked ${who}`
  return new OcibakeError(code, `${what}: ${answer.url.host} answered ${answer.status}${tried}${asked}${said}.`, {
    hint:
      answer.status === 404 && instead !== undefined
        ? `${answer.url.host} is the ${instead} that ${registry} names: see that it is the right one, and that it works.`
        : hintFor(code, answer.status, registry, who),
  })
}

function codeOf(status: number, complaints: readonly RegistryComplaint[], isElsewhere: boolean): ErrorCode {
  if (status === 429 || complaints.some(({ code }) => code === 'TOOMANYREQUESTS')) return 'REGISTRY_RATE_LIMITED'
  if (status === 401) return 'REGISTRY_UNAUTHORIZED'
  if (status === 403) return 'REGISTRY_DENIED'
  return status === 404 && !isElsewhere ? 'REGISTRY_NOT_FOUND' : 'REGISTRY_ERROR'
}

function hintFor(code: ErrorCode, status: number, registry: string, who = 'anonymously'): string {
  const isRefused = code === 'REGISTRY_UNAUTHORIZED' || code === 'REGISTRY_DENIED'
  // Its passwords end after twelve hours; those of AWS itself are new ones.
  if (isRefused && ecrService(registry) !== undefined && /^as .* from (?!AWS )/.test(who)) {
    return `That login may have expired. Without it (ocibake logout ${registry}, or unset the variable) AWS is asked.`
  }
  switch (code) {
    case 'REGISTRY_RATE_LIMITED':
      return `Wait, or log in for a higher limit: ocibake login ${registry}`
    case 'REGISTRY_UNAUTHORIZED':
      return who === 'anonymously'
        ? `Check the name (registries say this of what does not exist, too), or log in: ocibake login ${registry}`
        : `Those credentials are wrong or have expired: ocibake login ${registry}`
    case 'REGISTRY_DENIED':
      return 'Ask for the right to do this, or log in as somebody who has it.'
    case 'REGISTRY_NOT_FOUND':
      return 'Check the spelling of the repository, tag or digest.'
    default:
      if (status === 407) return 'Write http_proxy=http://USER:PASSWORD@HOST:PORT.'
      return status >= 500 ? 'The registry is in trouble: try again later.' : 'The registry does not take this request.'
  }
}

function complaintsIn(answer: Answer): RegistryComplaint[] {
  const text = answer.bytes.toString('utf8')
  const parsed = parse(text)
  if (!isJsonObject(parsed)) {
    const isPage = /html/i.test(answer.headers.get('content-type') ?? '') || /^\s*</.test(text)
    return text.trim() === '' || isPage ? [] : [{ code: '', message: text }]
  }
  const list = Array.isArray(parsed.errors) ? parsed.errors : [parsed]
  return list.slice(0, 3).flatMap((entry: unknown) => {
    if (!isJsonObject(entry)) return []
    const message = [entry.message, entry.details, entry.error_description, entry.error].find(isText) ?? ''
    const code = isText(entry.code) ? entry.code : ''
    return message === '' && code === '' ? [] : [{ code, message }]
  })
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
