import type { Draft } from './draft.ts'
import type { Finding } from './finding.ts'

/** What an import makes of a template. */
export interface Imported {
  readonly images: readonly ImportedImage[]
  readonly findings: readonly Finding[]
  /** Variables of the environment that secrets of the specs are taken from, with what the template has for them now. */
  readonly environment: Readonly<Record<string, string>>
}

export interface ImportedImage {
  readonly draft: Draft
  /** Options of `ocibake build` that do what the template says beside the image: `--push`. */
  readonly flags: readonly string[]
}
