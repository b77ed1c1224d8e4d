import type { Spec } from 'ocibake'

// Imported from Dockerfile.
export default {
  from: 'python:3.12-slim',
  steps: [
    { unpack: 'out/python-uv.tar', take: '/uv', to: '/bin/', owner: 'archive' },
    { unpack: 'out/python-uv.tar', take: '/uvx', to: '/bin/', owner: 'archive' },
    { run: 'mkdir -p /app' },
    { run: 'python -m venv /opt/venv', env: { PYTHONDONTWRITEBYTECODE: '1', PYTHONUNBUFFERED: '1' }, workdir: '/app' },
    { copy: 'requirements.txt', to: '/app/' },
    {
      run: ['export PATH="/opt/venv/bin:${PATH}"', 'pip install --no-cache-dir -r requirements.txt'],
      env: { PYTHONDONTWRITEBYTECODE: '1', PYTHONUNBUFFERED: '1' },
      workdir: '/app',
    },
  ],
  config: {
    env: { PYTHONDONTWRITEBYTECODE: '1', PYTHONUNBUFFERED: '1', PATH: '/opt/venv/bin:$PATH' },
    workdir: '/app',
  },
} satisfies Spec
