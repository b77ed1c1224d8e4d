/** Who asks a registry for what: decides which token is needed. */
export interface Access {
  /** As in a Reference. */
  readonly registry: string
  /** The registry's origin: credentials go there, and to the realm that it names. */
  readonly endpoint: URL
  readonly repository: string
  /** What a token has to allow: `repository:team/app:pull,push`. */
  readonly scopes: readonly string[]
}

export function pullScope(repository: string): string {
  return `repository:${repository}:pull`
}

export function pushScope(repository: string): string {
  return `repository:${repository}:pull,push`
}

/** `scopes` and those in `wanted` (space-separated, as a challenge has them) that they do not cover. */
export function withScopes(scopes: readonly string[], wanted: string): string[] {
  const missing = wanted.split(' ').filter((scope) => scope !== '' && !scopes.some((own) => covers(own, scope)))
  return [...scopes, ...missing]
}

function covers(own: string, scope: string): boolean {
  const [ownActions, actions] = [own, scope].map((one) => one.slice(one.lastIndexOf(':') + 1).split(','))
  const isSame = own.slice(0, own.lastIndexOf(':')) === scope.slice(0, scope.lastIndexOf(':'))
  return isSame && actions!.every((action) => ownActions!.includes(action))
}
