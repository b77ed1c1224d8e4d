import type { Spec } from 'ocibake'

// Imported from Dockerfile.
export default {
  from: 'ubuntu:24.04',
  steps: [
    {
      run: ['apt-get update', 'apt-get install -y --no-install-recommends curl ca-certificates'],
      shell: ['/bin/bash', '-e', '-o', 'pipefail'],
    },
    {
      run: 'curl -fsSL https://example.com/key.asc | gpg --dearmor > /usr/share/keyrings/example.gpg',
      shell: ['/bin/bash', '-e', '-o', 'pipefail'],
    },
    {
      run: `for name in a b c; do \\
      echo "$name" >> /etc/names; \\
    done`,
      shell: ['/bin/bash', '-o', 'pipefail', '-c'],
    },
    { run: 'touch /x; false; touch /y', shell: ['/bin/sh', '-ec'] },
    { run: 'echo hello > /hello', shell: ['/bin/bash', '-e'] },
    { run: "apt-get install -y 'it'\\''s'" },
  ],
  config: { cmd: ['/bin/sh', '-ec', 'echo $HOME'], shell: ['/bin/sh', '-ec'] },
} satisfies Spec
