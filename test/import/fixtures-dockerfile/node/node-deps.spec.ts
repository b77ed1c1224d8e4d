import type { Spec } from 'ocibake'

// Imported from Dockerfile.
export default {
  from: 'oci:out/node-base',
  steps: [
    { run: 'apk add --no-cache libc6-compat', workdir: '/app' },
    { copy: 'package.json', to: '/app/' },
    { copy: 'package-lock.json', to: '/app/' },
    { run: 'npm ci', workdir: '/app' },
  ],
} satisfies Spec
