import type { Spec } from 'ocibake'

// Imported from Dockerfile.
export default {
  from: 'python:3.12-slim',
  steps: [
    { run: ['apt-get update', 'apt-get install -y --no-install-recommends libpq5', 'rm -rf /var/lib/apt/lists/*'] },
    { run: 'useradd --create-home app' },
    { unpack: 'out/python-builder.tar', take: '/opt/venv', to: '/opt/venv', owner: 'archive' },
    { run: 'mkdir -p /home/app' },
    { copy: 'src/', to: '/home/app/src', owner: 'app:app' },
    { run: 'test -d /home/app/var || { mkdir -p /home/app/var && chown app: /home/app/var; }' },
    {
      run: ['export PATH="/opt/venv/bin:${PATH}"', 'python -m compileall ../src'],
      env: { PYTHONUNBUFFERED: '1' },
      user: 'app',
      workdir: '/home/app/var',
    },
  ],
  config: {
    env: { PATH: '/opt/venv/bin:$PATH', PYTHONUNBUFFERED: '1' },
    expose: [8000],
    user: 'app',
    workdir: '/home/app/var',
    cmd: ['gunicorn', '--bind', '0.0.0.0:8000', 'src.app:app'],
  },
} satisfies Spec
