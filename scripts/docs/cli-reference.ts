import type { Command } from 'commander'
import { program } from '../../src/cli/program.ts'

/** docs/cli.md: every command with its options and examples, as `--help` has them. */
export function cliReference(): string {
  const unused = () => {
    throw new Error('the reference runs nothing')
  }
  const top = program({
    env: {},
    home: '/',
    version: '0',
    stdin: unused,
    stdout: unused,
    results: process.stdout,
    endable: unused,
    stderr: process.stderr,
    signal: new AbortController().signal,
  })
  const sections = commandsOf(top).map(([name, command]) => `## ${name}\n\n\`\`\`text\n${helpOf(command)}\n\`\`\`\n`)
  return `# The command line

Made from \`--help\` by \`npm run docs\`; CI checks that it is up to date.

Results go to stdout (the digest; JSON with \`--progress json\`), everything else to stderr. With an output to \`-\`, that
alone is on stdout.

| exit code | meaning |
| --- | --- |
| 0 | done |
| 1 | the build failed |
| 2 | the spec or the command line is wrong |
| 3 | network or credentials |
| 70 | a mistake in ocibake itself |
| 130, 143 | stopped by Ctrl-C or SIGTERM |

${sections.join('\n')}`
}

function commandsOf(command: Command, prefix = ''): [name: string, command: Command][] {
  const name = prefix === '' ? command.name() : `${prefix} ${command.name()}`
  return [[name, command], ...command.commands.flatMap((inner) => commandsOf(inner, name))]
}

/** At one width whatever the terminal, and with what `addHelpText` puts behind it. */
function helpOf(command: Command): string {
  const parts: string[] = []
  command.configureOutput({ writeOut: (text) => parts.push(text), getOutHelpWidth: () => 120 })
  command.outputHelp()
  return parts.join('').trim()
}
