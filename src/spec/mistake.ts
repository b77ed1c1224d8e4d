/** One mistake: where in a spec, and what. */
export interface Mistake {
  readonly where: string
  readonly what: string
}
