import { Command, Option } from 'commander'
import type { DoctorActionOptions } from './doctor-action.ts'
import { cacheOption, SNIPPETS, sandboxOption } from './options.ts'
import type { Surroundings } from './surroundings.ts'

const EXAMPLES = `
Examples:
  ocibake doctor
  ocibake doctor --sandbox userns || echo 'no user namespaces here'
  ocibake doctor --snippet kubernetes > pod.yaml
  ocibake doctor --json`

export function doctorCommand(around: Surroundings): Command {
  return new Command('doctor')
    .description('Show what this machine has of what builds may want, and which sandbox scripts would run in')
    .addOption(sandboxOption())
    .addOption(new Option('--snippet <place>', 'print only the job to paste there').choices(SNIPPETS))
    .option('--json', 'print one JSON document')
    .addOption(cacheOption())
    .addHelpText('after', EXAMPLES)
    .action(async (options: DoctorActionOptions) => {
      const { doctorAction } = await import('./doctor-action.ts')
      await doctorAction(options, around)
    })
}
