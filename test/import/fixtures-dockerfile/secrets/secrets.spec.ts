import type { Spec } from 'ocibake'

// Imported from Dockerfile.
export default {
  from: 'node:22-slim',
  steps: [
    { copy: 'package.json', to: '/app/' },
    {
      run: 'npm ci',
      env: { API_PASSWORD: 'hunter2' },
      workdir: '/app',
      secrets: [{ id: 'npmrc', source: 'env:NPMRC', file: '/root/.npmrc' }],
    },
    {
      run: './deploy.sh',
      env: { API_PASSWORD: 'hunter2' },
      workdir: '/app',
      network: 'none',
      secrets: [{ id: 'aws', source: 'env:AWS_SECRET_ACCESS_KEY', env: 'AWS_SECRET_ACCESS_KEY' }],
    },
    {
      run: 'cat /run/secrets/plain | wc -c',
      env: { API_PASSWORD: 'hunter2' },
      workdir: '/app',
      secrets: [{ id: 'plain', source: 'env:PLAIN' }],
    },
    {
      run: ['echo "//registry.npmjs.org/:_authToken=${NPM_TOKEN}" > .npmrc', 'npm ci', 'rm .npmrc'],
      env: { API_PASSWORD: 'hunter2' },
      workdir: '/app',
      secrets: [{ id: 'npm_token', source: 'env:NPM_TOKEN', env: 'NPM_TOKEN' }],
    },
    // TODO: Docker gave this script the keys of an ssh agent: --mount=type=ssh
    // TODO: Docker gave this script files at /src: --mount=type=bind,source=.,target=/src
    { run: 'git clone git@example.com:a/b.git', env: { API_PASSWORD: 'hunter2' }, workdir: '/app' },
    { run: 'mount', env: { API_PASSWORD: 'hunter2' }, workdir: '/app' },
  ],
  config: { env: { API_PASSWORD: 'hunter2' }, workdir: '/app' },
} satisfies Spec
