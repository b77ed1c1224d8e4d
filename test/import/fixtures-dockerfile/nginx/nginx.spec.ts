import type { Spec } from 'ocibake'

// Imported from Dockerfile.
export default {
  from: 'debian:bookworm-slim',
  steps: [
    {
      run: [
        'set -x',
        'addgroup --system --gid 101 nginx',
        'adduser --system --disabled-login --ingroup nginx --no-create-home --home /nonexistent --gecos "nginx user" --shell /bin/false --uid 101 nginx',
        'apt-get update',
        'apt-get install --no-install-recommends --no-install-suggests -y nginx gettext-base curl',
        'apt-get remove --purge --auto-remove -y',
        'rm -rf /var/lib/apt/lists/*',
      ],
      env: { NGINX_VERSION: '1.22.1', NGINX_HOME: '/usr/share/nginx' },
    },
    {
      run: ['ln -sf /dev/stdout /var/log/nginx/access.log', 'ln -sf /dev/stderr /var/log/nginx/error.log'],
      env: { NGINX_VERSION: '1.22.1', NGINX_HOME: '/usr/share/nginx' },
    },
    { copy: 'html/', to: '/usr/share/nginx/html' },
    { copy: 'nginx.conf', to: '/etc/nginx/nginx.conf' },
  ],
  config: {
    env: { NGINX_VERSION: '1.22.1', NGINX_HOME: '/usr/share/nginx' },
    expose: [80],
    entrypoint: ['/docker-entrypoint.sh'],
    cmd: ['nginx', '-g', 'daemon off;'],
    labels: { maintainer: 'The web team <web@example.com>' },
    stopSignal: 'SIGQUIT',
    healthcheck: { cmd: 'curl -fsS http://localhost/ || exit 1', interval: '30s', timeout: '3s', retries: 5 },
  },
} satisfies Spec
