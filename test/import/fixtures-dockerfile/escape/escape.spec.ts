import type { Spec } from 'ocibake'

// Imported from Dockerfile.
export default {
  from: 'debian:bookworm-slim',
  steps: [{ run: ['echo one', 'echo two'] }],
  config: { env: { A: 'a\\b', B: 'c"d', C: '\\$A' }, cmd: ['sh', '-c', 'echo $A'], labels: { x: 'y', z: 'w' } },
} satisfies Spec
