import type { Spec } from 'ocibake'

// Imported from Dockerfile.
export default {
  from: 'oci:out/node-base',
  steps: [
    {
      run: ['addgroup --system --gid 1001 nodejs', 'adduser --system --uid 1001 nextjs'],
      env: { NODE_ENV: 'production' },
      workdir: '/app',
    },
    { unpack: 'out/node-builder.tar', take: '/app/public', to: '/app/public', owner: 'archive' },
    { unpack: 'out/node-builder.tar', take: '/app/.next/standalone', to: '/app/', owner: 'nextjs:nodejs' },
    { unpack: 'out/node-builder.tar', take: '/app/.next/static', to: '/app/.next/static', owner: 'nextjs:nodejs' },
  ],
  config: {
    env: { NODE_ENV: 'production', PORT: '3000', HOSTNAME: '0.0.0.0' },
    expose: [3000],
    user: 'nextjs',
    cmd: ['node', 'server.js'],
  },
} satisfies Spec
