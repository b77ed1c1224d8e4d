import type { Spec } from 'ocibake'

// Imported from Dockerfile.
export default {
  from: 'oci:out/stages-common',
  steps: [
    {
      unpack: 'out/stages-build.tar',
      to: '/usr/local/bin',
      stripComponents: 1,
      wildcards: ['out/hello'],
      owner: 'archive',
    },
    {
      unpack: 'out/stages-build.tar',
      to: '/usr/share/greetings',
      stripComponents: 2,
      wildcards: ['out/share'],
      owner: 'archive',
    },
    {
      unpack: 'out/stages-build.tar',
      to: '/etc/.hello.template.import',
      stripComponents: 1,
      wildcards: ['src/hello.in'],
      owner: '1:2',
    },
    { link: '/etc/hello.template', target: '/etc/.hello.template.import/hello.in', hard: true },
    { remove: '/etc/.hello.template.import' },
    {
      unpack: 'out/stages-build.tar',
      to: '/srv',
      stripComponents: 2,
      wildcards: ['out/share/a.txt'],
      owner: 'archive',
    },
    { run: 'echo "$COMMON" > /etc/seen' },
  ],
  config: { user: 'daemon', cmd: 'hello' },
} satisfies Spec
