import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { importDockerfile } from '../../src/import/dockerfile/import-dockerfile.ts'
import { SourceText } from '../../src/import/source-text.ts'
import { specOfDraft } from '../../src/import/spec-of-draft.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ocibake-dockerfile-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const imported = (lines: readonly string[]) =>
  importDockerfile(new SourceText('Dockerfile', lines.join('\n')), {
    ...{ current: folder, spec: folder, vars: {}, target: undefined, lift: true },
  })

/** The spec of the last image, as a build with these variables has it. */
function specOf(lines: readonly string[], vars: Record<string, string> = {}) {
  return specOfDraft(imported(lines).images.at(-1)!.draft, { vars, env: {}, folder })
}

describe('a heredoc of COPY', () => {
  it.each([
    ['', '{"a": "b"}', '{"a": "b"}'],
    ['', `it's $A, "$A" and '$A'`, `it's 1, "1" and '1'`],
    ['', `\\"a\\" \\$A \\\\ \\n`, '"a" $A \\ n'],
    ['# escape=`', `"$A" \`"a\`" \\$A`, '"1" `"a`" $A'],
  ])('has variables, and escapes by backslashes, but no quotes: %s%s', (directive, line, wanted) => {
    const { steps } = specOf(
      [directive, 'FROM debian', 'ARG A=1', 'COPY <<EOF /x', line, 'EOF'].slice(directive ? 0 : 1),
    )
    expect(steps).toEqual([{ write: '/x', text: `${wanted}\n` }])
  })
})

describe('a chain of commands', () => {
  it.each(['set +e && false && echo', 'set +o errexit && false && echo', 'set -x && set +ex && false'])(
    'that lets commands fail ends at the first that does nevertheless: %s',
    (script) => {
      expect(specOf(['FROM debian', `RUN ${script}`]).steps).toEqual([{ run: script, shell: ['/bin/sh', '-c'] }])
    },
  )
})

describe('the environment of a script', () => {
  it('has what an ARG may have in it, quotes too, beside what the base has', () => {
    const lines = ['FROM debian', `ARG OPTS='-Da="b c"'`, 'ENV JAVA="$OPTS !x $JAVA"', 'RUN java']
    expect(specOf(lines).steps).toEqual([
      { run: [`export JAVA="\${OPTS} !x \${JAVA}"`, 'java'], env: { OPTS: '-Da="b c"' } },
    ])
  })
})

describe('config.env', () => {
  it('keeps the dollars that an ARG has', () => {
    const lines = ['FROM debian', `ARG PRICE='$5 $HOME'`, 'ENV P="$PRICE $PATH"']
    expect(specOf(lines).config).toEqual({ env: { P: `\\$5 \\$HOME $PATH` } })
    expect(imported(lines).findings.map(({ id }) => id)).toContain('OB248')
  })
})

describe('a line as CMD or ENTRYPOINT', () => {
  it('is for the shell as it is by then', () => {
    const shell = ['/bin/bash', '-c']
    const lines = ['FROM debian', 'CMD one', `SHELL ${JSON.stringify(shell)}`]
    expect(specOf(lines).config).toEqual({ cmd: ['/bin/sh', '-c', 'one'], shell })
    expect(specOf([...lines, 'CMD two']).config).toEqual({ cmd: [...shell, 'two'], shell })
    expect(specOf(lines.slice(0, 2)).config).toEqual({ cmd: 'one' })
  })
})

describe('a secret of RUN', () => {
  const secretsOf = (lines: readonly string[]) => (specOf(lines).steps as { secrets?: unknown }[]).at(-1)!.secrets

  it.each([
    ['WORKDIR $D', 'id=a,target=x/y', { id: 'a', source: 'env:A', file: '/srv/x/y' }],
    ['WORKDIR /w', 'id=a,target=$D/y', { id: 'a', source: 'env:A', file: '/srv/y' }],
    ['ENV N=b', 'id=$N', { id: 'b', source: 'env:B' }],
    ['WORKDIR /w', 'source=a,target=y', { id: 'a', source: 'env:A', file: '/w/y' }],
  ])('is where Docker puts it: behind %s, %s', (before, mount, secret) => {
    const lines = ['FROM debian', 'ARG D=/srv', before, `RUN --mount=type=secret,${mount} true`]
    expect(secretsOf(lines)).toEqual([secret])
  })

  it('is in several places by several ids', () => {
    const mounts = ['id=a', 'id=a', 'target=/x,id=a', 'id=tok_token,env=T'].map((one) => `--mount=type=secret,${one}`)
    const lines = ['FROM debian', 'ARG TOK_TOKEN', `RUN ${mounts.join(' ')} a $TOK_TOKEN`]
    expect(secretsOf(lines)).toEqual([
      { id: 'tok_token', source: 'env:TOK_TOKEN', env: 'TOK_TOKEN' },
      { id: 'a', source: 'env:A' },
      { id: 'a-2', source: 'env:A', file: '/x' },
      { id: 'tok_token-2', source: 'env:T', env: 'T' },
    ])
    const reversed = [...lines.slice(0, 2), 'RUN --mount=type=secret,id=a,target=/x --mount=type=secret,id=a true']
    expect(secretsOf(reversed)).toContainEqual({ id: 'a-2', source: 'env:A', file: '/run/secrets/a' })
  })
})

describe('COPY', () => {
  beforeAll(() => {
    mkdirSync(join(folder, 'conf/app'), { recursive: true })
    for (const file of ['conf/a.conf', 'conf/b.conf', 'conf/app/x']) writeFileSync(join(folder, file), '')
  })

  it.each([
    ['--parents conf/a.conf /to/', [{ copy: 'conf/a.conf', to: '/to/conf/' }]],
    ['--parents conf/app /to/', [{ copy: 'conf/app/', to: '/to/conf/app' }]],
    ['--parents ./conf/./app/x /to/', [{ copy: 'conf/app/x', to: '/to/app/' }]],
    ['--parents conf/app/./x /to/', [{ copy: 'conf/app/x', to: '/to/' }]],
    ['--parents conf/*.conf /to/', [{ copy: 'conf/', to: '/to/conf', exclude: ['/*', '!/*.conf'] }]],
    ['--parents conf/./*.conf /to/', [{ copy: 'conf/', to: '/to', exclude: ['/*', '!/*.conf'] }]],
  ])('with %s keeps the folders of the source', (words, steps) => {
    expect(specOf(['FROM debian', `COPY ${words}`]).steps).toEqual(steps)
  })

  const unpack = { unpack: expect.any(String), owner: 'archive' }
  it.each([
    ['/a/tool /usr/bin/mine', [{ ...unpack, take: '/a/tool', to: '/usr/bin/mine' }]],
    ['/a/**/{b}* /to/', [{ ...unpack, take: '/a/*/\\{b\\}*', to: '/to/' }]],
    ['/{a} /to/', [{ ...unpack, take: '/{a}', to: '/to/' }]],
    ['--exclude=*.md /a /to', [{ ...unpack, take: '/a', to: '/to', exclude: ['a/*.md'] }]],
    ['--parents /a/b/c /to/', [{ ...unpack, to: '/to', wildcards: ['a/b/c'] }]],
    ['--parents /a/./b/c /to/', [{ ...unpack, to: '/to', wildcards: ['a/b/c'], stripComponents: 1 }]],
    [
      '--chmod=u+x /a/tool.sh /srv/x/',
      [
        { ...unpack, take: '/a/tool.sh', to: '/srv/x/' },
        { chmod: '/srv/x/tool.sh', mode: 'u+x', recursive: true },
      ],
    ],
    ['--chmod=755 /a/lib /usr/local/', [{ ...unpack, take: '/a/lib', to: '/usr/local/' }]],
  ])('from another image with %s', (words, steps) => {
    const lines = ['FROM debian', `COPY --from=nginx ${words}`]
    expect(specOf(lines).steps).toEqual(steps)
    const isTold = imported(lines).findings.some(({ id }) => id === 'OB245')
    expect(isTold).toBe(words.endsWith('/usr/local/'))
  })
})

describe('the specs of a Dockerfile', () => {
  it('are called each otherwise, whatever stages and images are called', () => {
    const first = ['FROM debian AS one', 'COPY --from=nginx /a /a', 'COPY --from=x/nginx:2 /b /b']
    const others = [
      'FROM debian AS nginx',
      'FROM one AS one',
      'FROM scratch',
      'COPY --from=nginx / /',
      'COPY --from=one / /',
    ]
    const { images } = imported([...first, ...others])
    const called = (name: string) => `${basename(folder)}${name}`
    const names = ['-nginx', '-nginx-2', '-nginx-3', '-one', '-one-2', '']
    expect(images.map(({ draft }) => draft.name)).toEqual(names.map(called))
    const [, nginx, other, , two, last] = images.map(({ draft }) => draft)
    expect([nginx, other, two].map((draft) => draft?.from)).toEqual(['nginx', 'x/nginx:2', `oci:out/${called('-one')}`])
    expect(last?.steps.map(({ step }) => step?.unpack)).toEqual([
      `out/${called('-nginx')}.tar`,
      `out/${called('-one-2')}.tar`,
    ])
  })

  it.each([
    ['127.0.0.1:5000/team/tools:1', '-tools'],
    ['registry.example.com:5000/tools', '-tools'],
    [`localhost:5000/tools@sha256:${'0'.repeat(64)}`, '-tools'],
    ['tools:1.2', '-tools'],
  ])('are called by the last part of an image: %s', (image, name) => {
    const { images } = imported(['FROM debian', `COPY --from=${image} /a /a`])
    expect(images.map(({ draft }) => draft.name)).toEqual([`${basename(folder)}${name}`, basename(folder)])
  })
})

describe('forms of variables in a Dockerfile', () => {
  it.each([
    ['ARG A=1', `\${A:+yes}\${A+yes}`, 'yesyes'],
    ['ARG A', `\${A:+yes}\${A+yes}`, ''],
    ['ARG A', `\${A:-no}`, 'no'],
    ['ARG A', `\${A-no}`, 'no'],
    ['ARG A=1', `\${A:-no}\${A-no}`, '11'],
    ['ARG A=1\nARG B', `\${B:-$A}`, '1'],
    ['ENV A=1', `\${A:+yes}\${A:-no}`, 'yes1'],
    ['ENV A=', `\${A:+yes}\${A:-no}\${A+set}\${A-unset}`, 'noset'],
    ['ARG B\nENV A=$B', `\${A:+yes}\${A:-no}`, 'no'],
    ['ENV A=1\nFROM one', `\${A:+yes}\${A:-no}`, 'yes1'],
    ['ENV A=\nFROM one', `\${A:+yes}\${A:-no}\${A+set}\${A-unset}`, 'noset'],
  ])('behind %j, %s is %j', (before, form, wanted) => {
    const { config } = specOf(['FROM debian AS one', before, `LABEL is="${form}"`])
    expect(config).toMatchObject({ labels: { is: wanted } })
  })

  it('are defaults of the spec where an ARG has none, and elsewhere said to be what they are now', () => {
    const lines = [
      'ARG TAG',
      `FROM debian:\${TAG:-12}`,
      'ARG V',
      `ENV W=\${V-2} V=\${V:-1.0}`,
      'ARG D',
      `LABEL d=\${D:+x}`,
    ]
    const from = 'debian:12'
    expect(specOf(lines)).toEqual({ from, config: { env: { V: '1.0', W: '2' }, labels: { d: '' } } })
    expect(specOf(lines, { V: '3', TAG: '13' })).toMatchObject({
      from: 'debian:13',
      config: { env: { V: '3', W: '3' } },
    })
    const decided = imported(lines).findings.filter(({ id }) => id === 'OB248')
    expect(decided).toMatchObject([{ place: { line: 6 }, says: expect.stringContaining(`\${D:+…}`) }])
  })
})
