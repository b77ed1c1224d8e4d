import { messageOf, OcibakeError, systemCode } from '../errors.ts'
import { placeInSpec } from './place-in-spec.ts'

/** SPEC_UNREADABLE, saying where in the spec it happened if the cause knows. @param what half a sentence */
export async function unreadableSpec(file: string, what: string, cause: unknown): Promise<OcibakeError> {
  const place = await placeInSpec(cause, file)
  const hint = hintFor(cause, place)
  const message = `${what}: ${place === undefined ? '' : `${place}: `}${messageOf(cause)}`
  return new OcibakeError('SPEC_UNREADABLE', message, { cause, ...(hint === undefined ? {} : { hint }) })
}

function hintFor(cause: unknown, place: string | undefined): string | undefined {
  if (systemCode(cause) === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX') {
    return 'A spec is a module that Node loads by itself, which only takes types out: write erasable TypeScript.'
  }
  const isOfOurs = systemCode(cause) === 'ERR_MODULE_NOT_FOUND' && messageOf(cause).includes("package 'ocibake'")
  if (isOfOurs || (cause instanceof SyntaxError && messageOf(cause).includes('does not provide an export'))) {
    return 'Types are imported by `import type`, ours too: Node takes them out, and nothing has to be installed for them.'
  }
  // A plain Error is what a spec throws that says by itself what is missing.
  if (place === undefined || (cause as Error).constructor === Error) return undefined
  return 'Correct it there; with --debug the error is shown with all that is known of it.'
}
