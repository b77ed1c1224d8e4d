import type { Spec, SpecContext } from 'ocibake'

// Imported from Dockerfile.
export default ({ vars }: SpecContext): Spec => {
  const greeting = vars.GREETING ?? 'hello'

  return {
    from: 'debian:bookworm-slim',
    steps: [
      {
        run: [
          'set -eu',
          'apt-get update',
          'apt-get install -y --no-install-recommends python3-minimal',
          'rm -rf /var/lib/apt/lists/*',
        ],
        env: { GREETING: greeting },
      },
      {
        run: `echo one
false
echo two`,
        shell: ['/bin/sh', '-c'],
        env: { GREETING: greeting },
      },
      {
        run: `python3 <<'PY'
print("a $HOME")
PY`,
        shell: ['/bin/sh', '-c'],
        env: { GREETING: greeting },
      },
      {
        run: `#!/usr/bin/env python3
open('/made', 'w').write('by python\\n')
`,
        env: { GREETING: greeting },
      },
      {
        run: `cat <<A > /a && cat <<B > /b
first $GREETING
A
second
B`,
        shell: ['/bin/sh', '-c'],
        env: { GREETING: greeting },
      },
      {
        write: '/etc/app.conf',
        text: `greeting = ${greeting}
literal = $HOME
quote = "it's"
`,
      },
      { write: '/usr/local/bin/START', text: '#!/bin/sh\nexec echo $1\n', mode: '0755', owner: '1000:1000' },
      { write: '/usr/local/bin/stop', text: '#!/bin/sh\n', mode: '0755', owner: '1000:1000' },
    ],
  }
}
