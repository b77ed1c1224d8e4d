import type { Spec } from 'ocibake'

// Imported from Dockerfile.
export default {
  from: 'python:3.12-slim',
  steps: [{ run: 'echo late > /data/file' }],
  // TODO: ONBUILD COPY requirements.txt /tmp/: no spec has instructions for the images that stand on it.
  // TODO: ONBUILD RUN pip install -r /tmp/requirements.txt: no spec has instructions for the images that stand on it.
  config: {
    volumes: ['/data', '/var/lib/app', '/cache'],
    author: 'Somebody Else <else@example.com>',
    unset: { entrypoint: true, cmd: true },
  },
} satisfies Spec
