/** What an import is given beside the template. */
export interface TemplateInputs {
  /** `--var NAME=VALUE`. */
  readonly vars: Readonly<Record<string, string>>
  /** `--var-file`, in their order. */
  readonly varFiles: readonly string[]
  /** For `PKR_VAR_NAME`, and what a template asks by `env()`. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Absolute: what relative paths are relative to. */
  readonly cwd: string
}
