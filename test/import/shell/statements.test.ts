import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { shellStatements } from '../../../src/import/shell/statements.ts'
import { withoutSudo } from '../../../src/import/shell/without-sudo.ts'
import { fuzz } from '../../support/fuzz.ts'

const texts = (script: string) => shellStatements(script).map(({ text }) => text)
const words = (script: string) =>
  shellStatements(script).map(({ commands }) => commands?.map((command) => command.words))

describe('shellStatements', () => {
  it.each([
    ['a\nb', ['a', 'b']],
    ['a; b # and c\n\n# d\ne', ['a', 'b # and c', '# d', 'e']],
    ['a && \\\n b\nc', ['a && \\\n b', 'c']],
    ['a &&\nb\nc', ['a &&\nb', 'c']],
    ['echo "a\nb"\nc', ['echo "a\nb"', 'c']],
    ['if a; then b; fi; c', ['if a; then b; fi', 'c']],
    ['for x in a b\ndo\n  c $x\ndone\nd', ['for x in a b\ndo\n  c $x\ndone', 'd']],
    ['case $x in\na) b ;;\n(c) d ;;\nesac\ne', ['case $x in\na) b ;;\n(c) d ;;\nesac', 'e']],
    ['f() {\n  a\n}\nf', ['f() {\n  a\n}', 'f']],
    ['(a; b)\nc', ['(a; b)', 'c']],
    ['cat <<A <<-B > f\n1\nA\n\tB\nc', ['cat <<A <<-B > f\n1\nA\n\tB', 'c']],
    ["cat <<'EOF'\n$(\nEOF\nc", ["cat <<'EOF'\n$(\nEOF", 'c']],
    ['x=$(a "b)" `c`)\nd', ['x=$(a "b)" `c`)', 'd']],
    ['[[ a && ( b ) ]]\nc', ['[[ a && ( b ) ]]', 'c']],
    ['echo if; then', ['echo if', 'then']],
  ])('ends a statement where a shell does: %j', (script, wanted) => {
    expect(texts(script)).toEqual(wanted)
  })

  it.each(['echo "a', "echo 'a", 'if a; then b', 'cat <<A\nb', 'x=$(a', 'a \\'])(
    'takes what is not closed as one: %j',
    (script) => {
      expect(shellStatements(script)).toMatchObject([{ text: script, commands: undefined, isOdd: true }])
    },
  )

  it('knows the words of plain commands, and of no others', () => {
    expect(words(`tar -C '/a b' "x"y\\ z && cd ..`)).toEqual([
      [
        ['tar', '-C', '/a b', 'xy z'],
        ['cd', '..'],
      ],
    ])
    for (const script of [
      'a $b',
      'a `b`',
      'a "$(b)"',
      'a > b',
      'a | b',
      'a || b',
      'a &',
      '~/a',
      'a {b,c}',
      'x=1 a',
      '! a',
      '(a)',
    ]) {
      expect(words(script), script).toEqual([undefined])
    }
    expect(shellStatements('rm /a/*')[0]?.commands?.[0]).toMatchObject({ words: ['rm', '/a/*'], globs: true })
    expect(shellStatements("rm '/a/*'")[0]?.commands?.[0]).toMatchObject({ globs: false })
    expect(shellStatements('a b | c')[0]?.pipe?.map((command) => command.words)).toEqual([['a', 'b'], ['c']])
  })

  const line = fc.constantFrom(
    ...[
      'a',
      'a b; c',
      'a && b',
      'a |\nb',
      "echo 'x\ny'",
      'echo "a $(b "c") d"',
      'x=1 y="$x"',
      '# it\'s "a comment',
      '',
    ],
    ...[
      'if a; then\n  b\nelse c; fi',
      'for i in 1 2; do a $i; done',
      'while read x; do echo; done < f',
      '{ a; b; }',
      '(a\nb)',
    ],
    ...[
      'case $x in a|b) c;; *) d;; esac',
      'f() { a; }',
      'cat <<E\n"\'$(\nE',
      'cat <<-E\n\tx\n\tE',
      'a 2>&1 >/dev/null',
      'a &',
    ],
    ...[
      'echo `a "b"`',
      `echo $\{x:-"}"} $\{y}`,
      'a \\\n  b',
      "echo $'a\\'b'",
      'echo {',
      'echo fi done }',
      '! a',
      'echo a#b',
    ],
  )

  it('cuts no script in a place where a shell would not', () => {
    const isScript = (script: string) => spawnSync('bash', ['-n'], { input: `${script}\n` }).status === 0
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 6 }), (lines) => {
        const script = lines.join('\n')
        fc.pre(isScript(script))
        const statements = shellStatements(script)
        expect(statements.filter(({ text }) => !isScript(text))).toEqual([])
        // Nothing but separators is between them.
        const rest = statements.reduceRight(
          (left, { start, text }) => left.slice(0, start) + left.slice(start + text.length),
          script,
        )
        expect(rest).toMatch(/^[\s;]*$/)
      }),
      fuzz(60),
    )
  })
})

describe('withoutSudo', () => {
  it.each([
    ['sudo apt-get update', 'apt-get update'],
    ['sudo -E -H apt-get update && sudo rm x; sudo -n ls | sudo tee y', 'apt-get update && rm x; ls | tee y'],
    ['if sudo a; then sudo b; fi', 'if a; then b; fi'],
    ['sudo A=1 b', 'A=1 b'],
    ['echo sudo; echo "sudo a"; # sudo', 'echo sudo; echo "sudo a"; # sudo'],
  ])('takes it away where it only makes root: %j', (script, wanted) => {
    expect(withoutSudo(script)).toMatchObject({ script: wanted, left: 0 })
  })

  it.each(['sudo -u www-data touch x', 'sudo su - app', 'sudo -i', 'sudo'])(
    'leaves it where it does more: %j',
    (script) => {
      expect(withoutSudo(script)).toEqual({ script, taken: 0, left: 1 })
    },
  )
})
