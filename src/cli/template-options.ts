/** Options of every command that reads a template. */
export interface TemplateOptions {
  readonly var?: Record<string, string>
  readonly varFile?: string[]
  readonly mapBase?: ReadonlyMap<string, string>
  readonly only?: string[]
  readonly except?: string[]
  /** false with --no-lift. */
  readonly lift?: boolean
}
