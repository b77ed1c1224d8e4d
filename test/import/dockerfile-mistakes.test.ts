import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { importDockerfile } from '../../src/import/dockerfile/import-dockerfile.ts'
import { readDockerfile } from '../../src/import/dockerfile/read-dockerfile.ts'
import { SourceText } from '../../src/import/source-text.ts'
import { specOfDraft } from '../../src/import/spec-of-draft.ts'
import { usedVariables } from '../../src/import/used-variables.ts'
import { writeSpec } from '../../src/import/write-spec.ts'
import { validate } from '../../src/spec/validate.ts'
import { fuzz, orRefused } from '../support/fuzz.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ocibake-dockerfile-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const imported = (text: string, vars: Record<string, string> = {}, target?: string) =>
  importDockerfile(new SourceText('Dockerfile', text), { current: folder, spec: folder, vars, target, lift: true })

describe('a Dockerfile with a mistake', () => {
  it.each([
    ['', 'Dockerfile has no FROM.'],
    ['# only a comment\n', 'Dockerfile has no FROM.'],
    ['RUN true\nFROM debian', 'Dockerfile:1:1: RUN stands before the first FROM.'],
    ['FROM debian\n  RUNN true', 'Dockerfile:2:3: There is no instruction RUNN.'],
    ['FROM debian\nRUN', 'Dockerfile:2:1: RUN has nothing behind it.'],
    ['FROM debian AS', 'Dockerfile:1:1: FROM names an image, and perhaps a stage: FROM IMAGE AS NAME.'],
    [
      'FROM debian as 1st',
      "Dockerfile:1:1: '1st' is no name of a stage: letters, digits, dashes, dots and underscores.",
    ],
    ['FROM debian\nCOPY a', 'Dockerfile:2:1: COPY has no destination.'],
    ['FROM debian\nCOPY a b c', 'Dockerfile:2:1: COPY has several sources, and a destination that is no folder.'],
    ['FROM debian\nRUN <<EOF\necho', "Dockerfile:2:1: The heredoc 'EOF' is not closed."],
    ['FROM debian\nCOPY <<A <<B /x/\na\nA\nb', "Dockerfile:2:1: The heredoc 'B' is not closed."],
    ['FROM debian\nENV A', 'Dockerfile:2:1: ENV has a name without a value.'],
    ['FROM debian\nLABEL a=b c', 'Dockerfile:2:1: LABEL has a name without a value.'],
    ['FROM debian\nSHELL /bin/sh', 'Dockerfile:2:1: SHELL is no list of texts in JSON.'],
    ['FROM debian\nRUN []', 'Dockerfile:2:1: RUN has no command.'],
    ['ARG 1=2\nFROM debian', "Dockerfile:1:1: '1' is no name of an ARG."],
    [
      'FROM $NOTHING',
      "Dockerfile:1:1: '$NOTHING' comes to nothing: FROM knows variables of ARG before the first FROM alone.",
    ],
    ['FROM debian\nCOPY --from=0 /a /a', 'Dockerfile:2:6: There is no stage 0 before this one.'],
    ['FROM "debian', "Dockerfile:1:1: '\"debian' cannot be read: a double quote is not closed."],
    ["ARG A='x\nFROM debian", "Dockerfile:1:1: ''x' cannot be read: a single quote is not closed."],
    ['FROM debian\nRUN a\\\\\nUSER b', 'Dockerfile:2:1: Where RUN ends is not clear.'],
    ['FROM debian\n\0', 'Dockerfile:2:1: is no text.'],
  ])('%j is refused where it is', (text, message) => {
    expect(() => imported(text)).toThrow(expect.objectContaining({ code: 'TEMPLATE_INVALID', message }))
  })

  it('has no variable and no stage that it does not have', () => {
    const text = 'ARG TAG=1\nFROM debian:$TAG AS base\nFROM base'
    expect(() => imported(text, { TGA: '2' })).toThrow('The Dockerfile has no ARG TGA.')
    expect(() => imported(text, {}, 'bas')).toThrow("The Dockerfile has no stage 'bas'.")
    expect(imported(text, { TAG: '2' }, 'base').images).toHaveLength(1)
  })

  it.each([
    ['ARG V=2;FROM debian AS a;ARG V=1;FROM debian AS b;ARG V;ENV X=$V;FROM b;ARG V=3;ENV X=$V', ['2', '3']],
    ['FROM debian AS a;ARG V=1;ENV X=$V;FROM debian;ARG V;ENV X=d$V;COPY --from=a /x /x', ['1', 'd']],
    ['FROM debian AS a;ARG V=1;ENV X=$V;FROM a;ARG V;ENV X=$V', ['1', '1']],
    ['FROM debian;ARG V=1;LABEL one=$V;ARG V=2;ENV X=$V', ['2']],
  ])('has the defaults of ARG in their own stages: %s', (lines, wanted) => {
    const { images } = imported(lines.replaceAll(';', '\n'))
    const configs = images.map(({ draft }) => specOfDraft(draft, { vars: {}, env: {}, folder }).config)
    expect(configs).toMatchObject(wanted.map((X) => ({ env: { X } })))
  })

  it.each([
    ['ARG VARIANT\nFROM debian', 'OB205', 'Nothing that is imported needs it.'],
    ['ARG UNUSED=1\nFROM debian', 'OB205', 'Nothing that is imported needs it.'],
    ['FROM debian\nARG USED=1\nRUN a', 'OB205', 'A variable of the spec: --var USED=… stands for --build-arg.'],
    [
      'FROM debian\nARG NPM_TOKEN\nRUN a $NPM_TOKEN',
      'OB205',
      'A secret: scripts that name it have it from NPM_TOKEN in the environment.',
    ],
  ])('says of %j how it is given', (text, id, advice) => {
    const found = imported(text).findings.filter(({ says }) => says.startsWith('`ARG ') && !says.includes('secret'))
    expect(found).toMatchObject([{ kind: 'mapped', id, advice }])
  })

  it.each([
    ['["a file", "/to/"]', 'folder'],
    ['target/app.jar /to/', 'file'],
    ['LICENSE /to/', 'file'],
    ['app /to', 'file'],
    [`${'a'.repeat(300)} /to`, 'file'],
  ])('says what a missing source is taken for: COPY %s', (words, kind) => {
    const found = imported(`FROM debian\nCOPY ${words}`).findings.filter(({ id }) => id === 'OB278')
    expect(found).toMatchObject([{ advice: `Put it there and import again; for now it is taken for a ${kind}.` }])
  })

  it('fetches what nobody checks, and what is another file from time to time', () => {
    const runs = [
      'wget -O /b https://x.example/latest/b',
      'curl https://y.example/$V.sh | bash; curl https://z.example/c',
    ]
    const checked = 'curl -o c https://x.example/c && echo "1  c" | sha256sum -c'
    const lifted = 'curl https://x.example/d.tgz | tar xz -C /opt'
    const text = ['FROM debian', 'ARG V=1', ...[...runs, checked, lifted].map((run) => `RUN ${run}`)].join('\n')
    const found = imported(text).findings.filter(({ kind }) => kind === 'defect')
    expect(found.map(({ id, place, says }) => `${place.line} ${id} ${says}`)).toEqual([
      '3 OB105 Nobody checks what https://x.example/latest/b sends.',
      '3 OB130 https://x.example/latest/b is another file from time to time.',
      `4 OB105 Nobody checks what https://y.example/$V.sh sends.`,
      '6 OB105 Nobody checks what https://x.example/d.tgz sends.',
    ])
  })

  it.each([
    ['curl -o a https://x.example/a1 && curl -O https://x.example/b1 && echo "1  a" | sha256sum -c', ['b1']],
    ['curl -O https://x.example/a1 && curl -O https://x.example/b1 && sha256sum -c SUMS', []],
    ['wget https://x.example/a1 https://x.example/a1.asc && gpg --verify a1.asc a1', []],
    ['curl -fsSL https://x.example/key | gpg --dearmor > /k && curl -O https://x.example/b1', ['b1']],
  ])('is checked by what names it, or names nothing that is fetched: %s', (script, unchecked) => {
    const { findings } = imported(`FROM debian\nRUN ${script}`)
    const says = unchecked.map((name) => `Nobody checks what https://x.example/${name} sends.`)
    expect(findings.filter(({ id }) => id === 'OB105').map((finding) => finding.says)).toEqual(says)
  })

  it('changes the mode of what another stage wrote as that of a file, without a word', () => {
    const made = ['FROM scratch AS one', 'COPY <<heredoc /srv/app/', 'x', 'heredoc', 'COPY <<EOF /etc/who', 'x', 'EOF']
    const { images, findings } = imported(
      [...made, 'FROM scratch', 'COPY --from=one --chmod=755 /srv/app/heredoc /etc/who /x/other /to/'].join('\n'),
    )
    const changed = images[1]!.draft.steps.flatMap(({ step }) => step?.chmod ?? [])
    expect(changed).toEqual(['/to/heredoc', '/to/who', '/to'])
    expect(findings.filter(({ id }) => id === 'OB246')).toMatchObject([{ says: expect.stringContaining('/x/other') }])
  })

  it('is read in no time, though it is long', () => {
    const lines = Array.from({ length: 3000 }, (_, index) => `RUN echo ${index} \\\n  && true`)
    expect(readDockerfile(new SourceText('Dockerfile', `FROM debian\n${lines.join('\n')}`)).instructions).toHaveLength(
      3001,
    )
  })
})

const LINES = [
  ...['FROM debian', 'FROM debian AS one', 'FROM one', 'FROM scratch', 'ARG A=1', 'ARG B', 'ARG NPM_TOKEN', 'ARG P=/p'],
  ...['ENV A=$B C="x $D"', 'ENV PATH=/x:$PATH', 'ENV P /q r', 'RUN true && false', 'RUN a; b \\\n # comment\n\n  && c'],
  ...[
    '# comment',
    '',
    'RUN <<EOF\necho $A\nfalse\nEOF',
    'RUN <<EOF\n#!/bin/x\nEOF',
    'RUN cat <<A <<-B\nA\n\tB',
    'COPY . .',
  ],
  ...[
    'COPY --from=one /a/b /c',
    'COPY --from=one /a/*.x /c/',
    'COPY --from=one /a/? /c',
    'COPY --from=0 /a /a',
    'COPY --from=x/y:z@q / /',
    'COPY <<EOF /x/\n$A "$B"\nEOF',
  ],
  ...[
    'COPY --chown=$A:b --chmod=u+x a b /c/',
    'ADD https://x.example/y /z',
    'ADD git@x.example:y /z',
    'ADD a.tar.gz $A',
  ],
  ...[
    'COPY *.x $P/y',
    'WORKDIR $A/b',
    'WORKDIR $P',
    'WORKDIR c',
    'USER $A',
    'USER b',
    'CMD ["a", "$A"]',
    'ENTRYPOINT []',
    'CMD a',
  ],
  ...[
    'SHELL ["bash", "-c"]',
    'SHELL ["/bin/zsh", "-ec"]',
    `EXPOSE $${'{A:-80}'}/udp`,
    'VOLUME ["/a"]',
    'VOLUME a $P',
    'LABEL a=$A $B=c',
  ],
  ...[
    'HEALTHCHECK --interval=1s CMD x',
    'STOPSIGNAL 9',
    'STOPSIGNAL $A',
    'ONBUILD RUN x',
    'RUN ["a", "b c"]',
    'MAINTAINER x',
  ],
  ...[
    'RUN --mount=type=secret,id=x,target=$A/y --mount=type=secret,id=x --mount=type=cache,target=$P y',
    'COPY --parents a/./b/*.x $A c /d/',
    'COPY --from=one --parents --chmod=$A /a/./b /c',
    'COPY --from=one --chmod=u+x /a /usr/local/',
    `ENV C=$${'{A:+x}'} D=$${'{B:-$A}'} P=$${'{P-x}'}`,
    'COPY <<-EOF /y\n\t"$A\\"\nEOF',
    'FROM debian AS one',
  ],
  ...['RUN --mount=type=secret,id=x --mount=type=cache,target=/c y', 'RUN --network=none --x=y ["sh", "-c", "a; $B"]'],
  ...[
    'RUN set -e; if a; then b; fi',
    'RUN rm -rf /tmp/x && chown -R a /b && curl -o /t.tgz https://x.example/t.tgz && tar xzf /t.tgz',
  ],
]
const ODD = ['"', "'", '\\', '$', `$${'{'}`, '<<X', '`', '\u{100000}', '$(', ' ', ':', '/../', '[', '#', '=']

describe('any text', () => {
  it('is refused, or becomes specs that are valid, with a finding for each instruction', () => {
    const known = fc.constantFrom(...LINES)
    const line = fc.oneof(
      { weight: 12, arbitrary: known },
      fc.tuple(known, fc.string({ unit: 'grapheme', maxLength: 8 })).map((words) => words.join(' ')),
      { weight: 2, arbitrary: fc.tuple(known, fc.constantFrom(...ODD)).map((words) => words.join('')) },
    )
    fc.assert(
      fc.property(fc.array(line, { maxLength: 14 }), fc.nat({ max: 9 }), (lines, starts) => {
        const text = [...(starts > 0 ? ['FROM debian AS zero'] : []), ...lines].join('\n')
        const all = orRefused(['TEMPLATE_INVALID'], () => imported(text))
        if (all instanceof Error) return
        for (const { draft } of all.images) {
          writeSpec(draft)
          if (usedVariables(draft).some(({ value }) => value === undefined)) continue
          validate(specOfDraft(draft, { vars: {}, env: {}, folder }), 'Dockerfile')
        }
        const unused = all.findings.filter(({ id }) => id === 'OB255').map(({ place }) => place.line)
        const told = new Set(all.findings.map(({ place }) => place.line))
        let isUsed = true
        for (const { keyword, place } of readDockerfile(new SourceText('Dockerfile', text)).instructions) {
          if (keyword === 'FROM') isUsed = !unused.includes(place.line)
          if (isUsed) expect(told, `${keyword} in line ${place.line}`).toContain(place.line)
        }
      }),
      fuzz(400),
    )
  })
})
