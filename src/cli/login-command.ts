import { Command, Option } from 'commander'
import type { LoginActionOptions } from './login-action.ts'
import { insecureOption } from './options.ts'
import type { Surroundings } from './surroundings.ts'

const EXAMPLES = `
Examples:
  ocibake login ghcr.io --username me                 asks for the password
  echo "$TOKEN" | ocibake login ghcr.io --username me --password-stdin
  ocibake login quay.io/team --username team+robot    for what is below quay.io/team alone

Passwords are not taken from the command line, which other users of the machine can read.`

export const authFileOption = () =>
  new Option('--authfile <file>', 'the credentials file, as REGISTRY_AUTH_FILE; default: see docs/registries.md')

export function loginCommand(around: Surroundings): Command {
  return new Command('login')
    .description('Check a user name and password with a registry, and keep them where docker and podman do')
    .argument('[registry]', 'host[:port][/namespace]', 'docker.io')
    .option('-u, --username <name>', 'asked for when absent')
    .option('--password-stdin', 'read the password from stdin')
    .option('--no-verify', 'do not ask the registry')
    .addOption(authFileOption())
    .addOption(insecureOption())
    .addHelpText('after', EXAMPLES)
    .action(async (registry: string, options: LoginActionOptions) => {
      const { loginAction } = await import('./login-action.ts')
      await loginAction(registry, options, around)
    })
}
