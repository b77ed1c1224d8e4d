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
    { unpack: 'out/node-builder.tar', to: '/app', stripComponents: 1, wildcards: ['app/public'], owner: 'archive' },
    {
      unpack: 'out/node-builder.tar',
      to: '/app',
      stripComponents: 3,
      wildcards: ['app/.next/standalone'],
      owner: 'nextjs:nodejs',
    },
    {
      unpack: 'out/node-builder.tar',
      to: '/app/.next',
      stripComponents: 2,
      wildcards: ['app/.next/static'],
      owner: 'nextjs:nodejs',
    },
  ],
  config: {
    env: { NODE_ENV: 'production', PORT: '3000', HOSTNAME: '0.0.0.0' },
    expose: [3000],
    user: 'nextjs',
    cmd: ['node', 'server.js'],
  },
} satisfies Spec
