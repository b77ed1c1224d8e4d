import type { Spec } from 'ocibake'

// Imported from Dockerfile.
export default {
  from: 'ghcr.io/astral-sh/uv:0.5',
} satisfies Spec
