import type { Spec } from 'ocibake'

// Imported from Dockerfile.
export default {
  from: 'oci:out/node-base',
  steps: [
    { unpack: 'out/node-deps.tar', take: '/app/node_modules', to: '/app/node_modules', owner: 'archive' },
    {
      copy: './',
      to: '/app',
      exclude: [
        '/node_modules',
        '/.next',
        '/*.md',
        '!/README.md',
        '/.env*',
        '/node.spec.ts',
        '/node-*.spec.ts',
        '/out/',
      ],
    },
    { run: 'npm run build', workdir: '/app' },
  ],
} satisfies Spec
