import type { Spec } from 'ocibake'

// Imported from Dockerfile.
export default {
  from: 'oci:out/node-base',
  steps: [
    { unpack: 'out/node-deps.tar', to: '/app', stripComponents: 1, wildcards: ['app/node_modules'], owner: 'archive' },
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
