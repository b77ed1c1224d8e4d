import type { Spec, SpecContext } from 'ocibake'

// Imported from Dockerfile.
export default ({ vars }: SpecContext): Spec => {
  const version = vars.VERSION ?? '1.0'
  const base = vars.BASE ?? 'debian:bookworm-slim'

  return {
    from: base,
    steps: [
      {
        run: [
          'export PATH="${PATH}:/opt/app/bin"',
          'groupadd --gid 4711 web',
          'useradd --uid 4711 --gid web --home-dir $APP_HOME --shell /usr/sbin/nologin web',
        ],
        env: { VERSION: version, APP_HOME: '/opt/app' },
      },
      { run: 'mkdir -p /opt/app' },
      { copy: 'site/', to: '/opt/app/site', exclude: ['**/*.draft'], owner: 'web:web' },
      { copy: 'bin/', to: '/opt/app/bin', exclude: ['/*', '!/*.sh', '**/*.draft'] },
      { copy: 'app.conf', to: '/etc/app/', owner: '4712:4712', mode: '0640' },
      { unpack: 'data.tar.gz', to: '/srv', owner: 'archive' },
      {
        run: [
          'export PATH="${PATH}:/opt/app/bin"',
          'mkdir -p run/cache',
          'chown -R web:web run',
          'chmod 2770 run',
          'echo "$VERSION" > version',
          'ln -s version latest',
        ],
        env: { VERSION: version, APP_HOME: '/opt/app' },
        workdir: '/opt/app',
      },
      {
        run: [
          'export PATH="${PATH}:/opt/app/bin"',
          `echo hello | tr a-z A-Z > made; \\
    for number in 1 2; do \\
      touch "file-$number"; \\
    done`,
        ],
        shell: ['/bin/bash', '-o', 'pipefail', '-c'],
        env: { VERSION: version, APP_HOME: '/opt/app' },
        workdir: '/opt/app',
      },
      {
        run: ['export PATH="${PATH}:/opt/app/bin"', "touch 'it'\\''s'"],
        env: { VERSION: version, APP_HOME: '/opt/app' },
        workdir: '/opt/app',
      },
      { run: 'test -d /opt/app/state || { mkdir -p /opt/app/state && chown web: /opt/app/state; }' },
      {
        run: ['export PATH="${PATH}:/opt/app/bin"', 'id -un > who', 'pwd >> who', 'echo "$HOME $PATH" >> who'],
        shell: ['/bin/bash', '-e', '-o', 'pipefail'],
        env: { VERSION: version, APP_HOME: '/opt/app' },
        user: 'web',
        workdir: '/opt/app/state',
      },
    ],
    config: {
      env: { APP_HOME: '/opt/app', PATH: '$PATH:/opt/app/bin' },
      expose: [8080, '53/udp'],
      user: 'web',
      workdir: '/opt/app/state',
      entrypoint: ['/opt/app/bin/serve.sh'],
      cmd: ['--port', '8080'],
      shell: ['/bin/bash', '-o', 'pipefail', '-c'],
      labels: { 'com.example.version': version, maintainer: 'The "web" team' },
      volumes: ['/var/lib/app'],
      stopSignal: 'SIGINT',
      healthcheck: { cmd: 'curl -f http://localhost:8080/ || exit 1', interval: '30s', retries: 2 },
    },
  }
}
