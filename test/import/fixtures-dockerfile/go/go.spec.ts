import type { Spec } from 'ocibake'

// Imported from Dockerfile.
export default {
  from: 'gcr.io/distroless/static-debian12:nonroot',
  steps: [
    { unpack: 'out/go-build.tar', to: '/', stripComponents: 1, wildcards: ['out/server'], owner: 'archive' },
    {
      unpack: 'out/go-build.tar',
      to: '/etc/ssl/certs',
      stripComponents: 3,
      wildcards: ['etc/ssl/certs/ca-certificates.crt'],
      owner: 'archive',
    },
    // Makes the folder, as WORKDIR does.
    { write: '/data/.ocibake-folder', text: '' },
    { remove: '/data/.ocibake-folder' },
  ],
  config: { expose: [8080], user: 'nonroot:nonroot', workdir: '/data', entrypoint: ['/server'] },
} satisfies Spec
