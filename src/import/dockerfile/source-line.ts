/** A line of a file, without what ends it, and where it begins. */
export interface SourceLine {
  readonly text: string
  readonly offset: number
}
