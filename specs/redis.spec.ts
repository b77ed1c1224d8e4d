import type { Spec, SpecContext } from 'ocibake'

/**
 * Redis from Debian's package, set up by an Ansible role, for its own user on port 6379, with its data in /data.
 * Variables: `base` (any Debian base; default: made by mmdebstrap), `maxmemory` (default: 64mb), `tags`.
 */
export default ({ vars }: SpecContext): Spec => ({
  from: vars.base ?? { debian: 'bookworm', variant: 'minbase', include: ['adduser', 'passwd'] },
  steps: [
    {
      ansible: 'redis/playbook.yml',
      groups: ['redis_servers'],
      extraVars: { redis_maxmemory: vars.maxmemory ?? '64mb' },
      timeout: '15m',
    },
    { run: 'redis-server --version', user: 'redis', network: 'none' },
  ],
  config: {
    expose: [6379],
    user: 'redis',
    workdir: '/data',
    volumes: ['/data'],
    entrypoint: ['/usr/local/bin/redis-entrypoint'],
    cmd: ['/etc/redis/redis.conf'],
    healthcheck: { cmd: ['redis-cli', 'ping'], interval: '30s', timeout: '5s' },
    labels: { 'org.opencontainers.image.title': 'redis' },
  },
  tags: (vars.tags ?? 'localhost:5000/examples/redis:latest').split(','),
})
