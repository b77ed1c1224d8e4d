import type { Spec, SpecContext } from 'ocibake'

// Imported from Dockerfile.
export default ({ vars }: SpecContext): Spec => {
  const nodeVersion = vars.NODE_VERSION ?? '22'

  return {
    from: `node:${nodeVersion}-alpine`,
    steps: [
      // Makes the folder, as WORKDIR does.
      { write: '/app/.ocibake-folder', text: '' },
      { remove: '/app/.ocibake-folder' },
    ],
    config: { env: { NEXT_TELEMETRY_DISABLED: '1' }, workdir: '/app' },
  }
}
