import type { Spec, SpecContext } from 'ocibake'

/**
 * A web server from a Debian package, with its page, for an ordinary user on port 8080.
 * Variables: `base` (any Debian base; default: made by mmdebstrap), `tags`.
 */
export default ({ vars }: SpecContext): Spec => ({
  from: vars.base ?? { debian: 'bookworm', variant: 'minbase', include: ['adduser', 'passwd'] },
  steps: [
    {
      run: [
        'apt-get update',
        'apt-get install -y --no-install-recommends lighttpd media-types',
        'apt-get clean',
        'rm -rf /var/lib/apt/lists/*',
      ],
      env: { DEBIAN_FRONTEND: 'noninteractive' },
    },
    { copy: 'lighttpd/rootfs/', to: '/' },
    { remove: '/var/www/html' },
    { run: 'lighttpd -tt -f /etc/lighttpd/site.conf', user: 'www-data', network: 'none' },
  ],
  config: {
    expose: [8080],
    user: 'www-data',
    stopSignal: 'SIGINT',
    entrypoint: ['/usr/sbin/lighttpd'],
    cmd: ['-D', '-f', '/etc/lighttpd/site.conf'],
    labels: { 'org.opencontainers.image.title': 'lighttpd' },
  },
  tags: (vars.tags ?? 'localhost:5000/examples/lighttpd:latest').split(','),
})
