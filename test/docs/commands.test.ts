import { type Command, CommanderError } from 'commander'
import { describe, expect, it } from 'vitest'
import { program } from '../../src/cli/program.ts'
import { codeSpansIn, fencesOf, markdownFiles, proseOf } from '../support/markdown.ts'

/** The real command line, of which no command does anything. */
function idleProgram(): Command {
  const unused = () => {
    throw new Error('the documentation runs nothing')
  }
  const signal = new AbortController().signal
  const top = program({
    env: {},
    home: '/',
    version: '0',
    stdin: unused,
    stdout: unused,
    results: process.stdout,
    endable: unused,
    stderr: process.stderr,
    signal,
  })
  const makeIdle = (command: Command): void => {
    command.exitOverride().configureOutput({ writeErr: () => {}, writeOut: () => {} })
    if (command.commands.length === 0) command.action(() => {})
    for (const inner of command.commands) makeIdle(inner)
  }
  makeIdle(top)
  return top
}

/** What commander has against the words behind `ocibake`; undefined for nothing. */
async function fault(words: readonly string[]): Promise<CommanderError | undefined> {
  try {
    await idleProgram().parseAsync([...words], { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return undefined
    if (error instanceof CommanderError) return error
    throw error
  }
  return undefined
}

/** The words behind each `ocibake` that stands where a shell expects a program. */
function callsIn(script: string): string[][] {
  const text = script.replace(/\\\n\s*/g, ' ').replace(/(^|\s)#.*$/gm, '$1')
  const calls = text.matchAll(/(?:^|[\s($;&|])ocibake(?= \S)((?:"[^"]*"|'[^']*'|[^\n"'|;&<>)])*)/gm)
  return [...calls].map((call) =>
    [...call[1]!.matchAll(/(?:"[^"]*"|'[^']*'|\S)+/g)].map(([word]) => word.replace(/["']/g, '')),
  )
}

const SHELLS = ['sh', 'bash', 'shell', 'console', 'yaml', 'yml']
const CALLS = markdownFiles().flatMap((file) =>
  fencesOf(file)
    .filter(({ language }) => SHELLS.includes(language))
    .flatMap(({ where, text }) => callsIn(text).map((words) => ({ where, call: words.join(' '), words }))),
)
const SPANS = markdownFiles().flatMap((file) =>
  codeSpansIn(proseOf(file))
    .filter((span) => span.startsWith('ocibake '))
    .map((span) => ({ file, span })),
)

describe('calls of ocibake in the documentation', () => {
  it('are found, whatever stands around them', () => {
    expect(
      callsIn('A=1 ocibake build a \\\n  --push > b # ocibake no\nx=$(npx ocibake plan "c d") ; ocibake: c'),
    ).toEqual([
      ['build', 'a', '--push'],
      ['plan', 'c d'],
    ])
    expect(CALLS.length).toBeGreaterThan(10)
    expect(SPANS.length).toBeGreaterThan(3)
  })

  it('would be refused if they were wrong', async () => {
    expect((await fault(['logon', 'host']))?.code).toBe('commander.unknownCommand')
    expect((await fault(['build', 'a', '--outptu', 'b']))?.code).toBe('commander.unknownOption')
    expect((await fault(['build']))?.code).toBe('commander.missingArgument')
  })

  it.each(CALLS)('can be parsed: $where: ocibake $call', async ({ words }) => {
    expect((await fault(words))?.message).toBeUndefined()
  })

  it.each(SPANS)('name what exists: $file: $span', async ({ span }) => {
    const words = span.replace(/ ?…/g, '').split(' ').slice(1)
    const code = (await fault(words))?.code
    // In running text the name of a command is enough.
    expect(code === undefined || code === 'commander.missingArgument' || words.length === 0, code).toBe(true)
  })
})
