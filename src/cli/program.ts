import { Command } from 'commander'
import { buildCommand } from './build-command.ts'
import { cacheCommand } from './cache-command.ts'
import { doctorCommand } from './doctor-command.ts'
import { importCommand } from './import-command.ts'
import { inspectCommand } from './inspect-command.ts'
import { loginCommand } from './login-command.ts'
import { logoutCommand } from './logout-command.ts'
import { planCommand } from './plan-command.ts'
import type { Surroundings } from './surroundings.ts'
import { validateCommand } from './validate-command.ts'

const MAKERS: Readonly<Record<string, (around: Surroundings) => Command>> = {
  build: buildCommand,
  import: importCommand,
  validate: validateCommand,
  plan: planCommand,
  inspect: inspectCommand,
  doctor: doctorCommand,
  cache: cacheCommand,
  login: loginCommand,
  logout: logoutCommand,
}

/**
 * The command line, with nothing of this process in it: cli.ts runs it, docs/cli.md is made from it.
 * @param first the word that it begins with: if that is a command, no other one is made, since none will be asked for
 */
export function program(around: Surroundings, first = ''): Command {
  const top = new Command('ocibake')
    .description(
      'Builds container images where there is no Docker: one squashed, reproducible layer, without a daemon.',
    )
    .version(around.version, '-V, --version', 'print the version')
    .option('--debug', 'show the causes of an error')
    .helpCommand(false)
  const makers = Object.hasOwn(MAKERS, first) ? [MAKERS[first]!] : Object.values(MAKERS)
  for (const make of makers) top.addCommand(make(around))
  endByThrowing(top)
  return top.addHelpText('after', EXAMPLES)
}

/** Commander ends the process itself unless each command is told not to; they do not inherit it. */
function endByThrowing(command: Command): void {
  command.exitOverride().showHelpAfterError(`(${command.name()} --help says more)`)
  for (const inner of command.commands) endByThrowing(inner)
}

const EXAMPLES = `
Examples:
  ocibake build app.spec.ts --push
  ocibake plan app.spec.ts
  ocibake inspect docker://registry.example.com/app:1 --files`
