import type { Spec } from 'ocibake'

// Imported from Dockerfile.
export default {
  from: 'scratch',
  steps: [
    { unpack: 'rootfs.tar.gz', to: '/', owner: 'archive' },
    { unpack: 'app.tar', to: '/opt/app', owner: '10:20' },
    { copy: 'readme.txt', to: '/usr/share/doc/app/' },
    { copy: 'notes.txt', to: '/usr/share/doc/app/' },
    // TODO: fetch https://example.com/tool-1.0.tar.gz beside the spec, and copy it to /tmp.
    {
      unpack: 'https://example.com/lib.tar.gz',
      to: '/opt/lib',
      owner: 'archive',
      sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    },
    // TODO: clone https://github.com/example/app.git#v1 beside the spec, and copy it to /src.
    // Makes the folder, as WORKDIR does.
    { write: '/work/.ocibake-folder', text: '' },
    { remove: '/work/.ocibake-folder' },
  ],
  config: { workdir: '/work', cmd: ['/bin/sh'] },
} satisfies Spec
