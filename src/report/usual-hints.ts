import type { ErrorCode } from '../errors.ts'

const BASE = 'Take another base, or have it made anew.'
const SPEC = 'docs/spec.md describes every field, with an example.'

/** What to do about an error that has no nearer advice; docs/errors.md says the same at length. */
export const USUAL_HINTS: Partial<Record<ErrorCode, string>> = {
  USAGE: 'See: ocibake build --help',
  SPEC_UNREADABLE: SPEC,
  SPEC_INVALID: SPEC,
  REFERENCE_INVALID: 'docs/registries.md says how images are named.',

  BASE_NOT_FOUND: 'Check the name and the tag of the base.',
  PLATFORM_MISSING: 'Take another base, or another platform.',
  MANIFEST_INVALID: BASE,
  MANIFEST_UNSUPPORTED: 'Take another base.',
  CONFIG_INVALID: BASE,
  BLOB_MISMATCH: 'Try again. If it stays so, do not trust where it comes from, or what is in between.',
  DIFF_ID_MISMATCH: BASE,
  LAYER_INVALID: BASE,
  LAYOUT_INVALID: 'Have it made anew.',

  REGISTRY_ERROR: 'Try again later, or ask who runs the registry.',
  FETCH_FAILED: 'Check the network and the address, then run the same command again.',
  FETCH_DENIED: 'Check the address, and the credentials for it.',
  FETCH_NOT_FOUND: 'Check the address; paths are relative to the spec file.',
  FETCH_CHANGED: 'Run the same command again.',
  CHECKSUM_MISMATCH: 'If it is meant to have changed, put its new sha256 into the spec; else do not use it.',

  ARCHIVE_INVALID: 'See that the address gives the archive itself, and fetch it anew.',
  ARCHIVE_UNSAFE: 'Leave such members out with `exclude`, if you trust the rest.',
  COPY_NOT_FOUND: 'Paths are relative to the spec file.',
  PATH_NOT_FOUND: 'Check the path, and the order of the steps.',
  PATH_INVALID: 'Correct the path, or the step that made what is there.',
  ACCOUNT_UNKNOWN: 'Make it in an earlier step, or write its number.',
  FILE_CHANGED: 'Build again when nothing writes to it.',

  OUTPUT_FAILED: 'Check the path, and who may write there.',
}
