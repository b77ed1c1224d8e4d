import type { SourceText } from '../../source-text.ts'
import type { Value } from '../../value.ts'

/** What the functions depend on that have to do with where a template is. */
export interface Surroundings {
  /** Absolute: what paths in file functions are relative to. */
  readonly folder: string
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** A file became part of the template's values; the path is relative to the current folder. */
  readonly wasRead: (file: string) => void
  /** What a template comes to with these names. @throws TEMPLATE_INVALID, Fault, Unknowable */
  readonly render: (source: SourceText, names: ReadonlyMap<string, Value>) => Value
}
