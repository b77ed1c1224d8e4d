import type { Spec, SpecContext } from 'ocibake'

// Imported from Dockerfile.
export default ({ vars }: SpecContext): Spec => {
  const base = vars.BASE ?? 'debian:bookworm-slim'

  return {
    from: base,
    steps: [{ run: 'echo common > /etc/common' }],
    config: { env: { COMMON: 'yes' } },
  }
}
