/** A value that one step may see and that never reaches the layer, the history or the log. */
export interface SecretSource {
  readonly id: string
  /** `env:NAME` of the caller's environment, or `file:PATH` relative to the spec file. */
  readonly source: string
  /** Where the script finds it as a file. Default: /run/secrets/ID unless `env` is given. */
  readonly file?: string
  /** The variable in which the script finds it. */
  readonly env?: string
}

/** A secret that is a variable. */
export interface SecretVariable extends Omit<SecretSource, 'file'> {
  readonly env: string
}
