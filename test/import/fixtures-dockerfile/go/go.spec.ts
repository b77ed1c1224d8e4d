import type { Spec } from 'ocibake'

// Imported from Dockerfile.
export default {
  from: 'gcr.io/distroless/static-debian12:nonroot',
  steps: [
    { unpack: 'out/go-build.tar', take: '/out/server', to: '/server', owner: 'archive' },
    { unpack: 'out/go-build.tar', take: '/etc/ssl/certs/ca-certificates.crt', to: '/etc/ssl/certs/', owner: 'archive' },
    // Makes the folder, as WORKDIR does.
    { write: '/data/.ocibake-folder', text: '' },
    { remove: '/data/.ocibake-folder' },
  ],
  config: { expose: [8080], user: 'nonroot:nonroot', workdir: '/data', entrypoint: ['/server'] },
} satisfies Spec
