import { Command } from 'commander'
import { authFileOption } from './login-command.ts'
import type { LogoutActionOptions } from './logout-action.ts'
import type { Surroundings } from './surroundings.ts'

const EXAMPLES = `
Examples:
  ocibake logout ghcr.io
  ocibake logout --all`

export function logoutCommand(around: Surroundings): Command {
  return new Command('logout')
    .description('Forget a login, wherever a build would find it')
    .argument('[registry]', 'host[:port][/namespace]; default: docker.io')
    .option('--all', 'forget the logins to every registry')
    .addOption(authFileOption())
    .addHelpText('after', EXAMPLES)
    .action(async (registry: string | undefined, options: LogoutActionOptions) => {
      const { logoutAction } = await import('./logout-action.ts')
      await logoutAction(registry, options, around)
    })
}
