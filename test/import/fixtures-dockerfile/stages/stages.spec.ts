import type { Spec } from 'ocibake'

// Imported from Dockerfile.
export default {
  from: 'oci:out/stages-common',
  steps: [
    { unpack: 'out/stages-build.tar', take: '/out/hello', to: '/usr/local/bin/hello', owner: 'archive' },
    { unpack: 'out/stages-build.tar', take: '/out/share', to: '/usr/share/greetings', owner: 'archive' },
    { unpack: 'out/stages-build.tar', take: '/src/hello.in', to: '/etc/hello.template', owner: '1:2' },
    { unpack: 'out/stages-build.tar', take: '/out/share/a.txt', to: '/srv/', owner: 'archive' },
    { unpack: 'out/stages-build.tar', take: '/out/greet', to: '/usr/local/bin/', owner: 'archive' },
    { unpack: 'out/stages-build.tar', take: '/out/greet', to: '/usr/local/bin/hi', owner: 'archive' },
    { unpack: 'out/stages-build.tar', take: '/out/words', to: '/usr/share/words', owner: '1:2' },
    { unpack: 'out/stages-build.tar', take: '/out/gr*', to: '/srv/found/', owner: 'archive' },
    { unpack: 'out/stages-build.tar', take: '/out/words/*.txt', to: '/srv/found/', owner: 'archive' },
    { unpack: 'out/stages-build.tar', take: '/etc/passwd', to: '/srv/etc/', owner: 'archive' },
    { unpack: 'out/stages-build.tar', take: '/etc/group', to: '/srv/etc/', owner: 'archive' },
    { unpack: 'out/stages-build.tar', take: '/etc/os-release', to: '/srv/release', owner: 'archive' },
    { unpack: 'out/stages-build.tar', take: '/etc/debian_version', to: '/srv', owner: 'archive' },
    { run: 'echo "$COMMON" > /etc/seen' },
  ],
  config: { user: 'daemon', cmd: 'hello' },
} satisfies Spec
