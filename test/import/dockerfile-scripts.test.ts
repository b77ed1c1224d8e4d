import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { importDockerfile } from '../../src/import/dockerfile/import-dockerfile.ts'
import { SourceText } from '../../src/import/source-text.ts'
import { specOfDraft } from '../../src/import/spec-of-draft.ts'
import { runScript } from '../../src/provision/run-script.ts'
import type { RunStep } from '../../src/provision/step.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ocibake-dockerfile-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What the last RUN prints, run on this machine with nothing but the environment of a base and the step's own. */
async function output(lines: readonly string[], base: Record<string, string> = {}): Promise<string> {
  const source = new SourceText('Dockerfile', ['FROM debian', ...lines].join('\n'))
  const options = { current: folder, spec: folder, vars: {}, target: undefined, lift: true }
  const { draft } = importDockerfile(source, options).images.at(-1)!
  const { steps } = specOfDraft(draft, { vars: {}, env: {}, folder }) as { steps: RunStep[] }
  const step = steps.at(-1)!
  const { argv, files } = runScript(step)
  const program = join(folder, 'script')
  for (const { bytes, mode } of files.values()) {
    rmSync(program, { force: true })
    writeFileSync(program, bytes, { mode })
  }
  const [command, ...words] = argv.map((word) => (files.has(word) ? program : word))
  const env = { PATH: '/usr/bin:/bin', ...base, ...step.env }
  return (await execa(command!, words, { env, extendEnv: false })).stdout
}

describe('a heredoc that is a program', () => {
  const bash = ['RUN <<EOF', '#!/bin/bash', 'echo -e "a\\tb" "$PATH"', 'EOF']

  it.each([
    ['', 'a\tb /usr/bin:/bin'],
    ['ENV PATH=/opt/bin:$PATH', 'a\tb /opt/bin:/usr/bin:/bin'],
  ])("keeps its interpreter, whatever ENV has of the base's variables: %s", async (env, wanted) => {
    expect(await output([...(env === '' ? [] : [env]), ...bash])).toBe(wanted)
  })
})

describe('a shell that is none of POSIX', () => {
  it("is given its script alone where ENV has one of the base's variables", async () => {
    const lines = ['ENV X="a\'$Y"', 'SHELL ["python3", "-c"]', `RUN import os; print("<%s>" % os.environ["X"])`]
    expect(await output(lines, { Y: 'y"' })).toBe(`<a'y">`)
  })
})

describe('several variables on one line of ENV', () => {
  const base = { PATH: '/usr/bin:/bin', A: '', HOME: '/root' }
  const read = 'RUN echo "$A|$B|$D|$E|$PATH"'

  it.each([
    ['the line', ['ENV A=/opt/java PATH=$A/bin:$PATH'], '/opt/java||||/bin:/usr/bin:/bin'],
    ['forms of variables', [`ENV A=1 D=pre$A E=\${A:+yes}\${ZZ:-def}`], '1||pre|def|/usr/bin:/bin'],
    ['two that change places', ['ENV A=$B B=$A'], 'b||||/usr/bin:/bin', { B: 'b' }],
    ['a line above', ['ENV D=$A$ZZ', 'ENV A=1'], '1||||/usr/bin:/bin'],
    ['an ARG below', ['ENV D=$A$ZZ', 'ARG A=1'], '1||||/usr/bin:/bin'],
    ['an ARG with quotes below', ['ENV D=$A$ZZ', `ARG A='"1"$'`], '"1"$||||/usr/bin:/bin'],
    ['an ARG in it', [`ARG V='a"b$PATH'`, 'ENV A=$V B=$V D=$A'], 'a"b$PATH|a"b$PATH|||/usr/bin:/bin'],
    ['what is literal', ['ENV A="1 2\\$x" D=<$A>'], '1 2$x||<>||/usr/bin:/bin'],
  ])('see in scripts what was there before it: %s', async (_, lines, wanted, more: Record<string, string> = {}) => {
    expect(await output([...lines, read], { ...base, ...more })).toBe(wanted)
    expect(await output([...lines, 'SHELL ["/bin/bash", "-c"]', read], { ...base, ...more })).toBe(wanted)
  })
})
