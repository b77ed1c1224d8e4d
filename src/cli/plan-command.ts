import { Command } from 'commander'
import { cacheFolder } from './cache-folder.ts'
import { keepCompiledCode } from './compiled-code.ts'
import {
  cacheOption,
  ignoreTodosOption,
  insecureOption,
  mapBaseOption,
  mirrorFallbackOption,
  mirrorOption,
  platformsOption,
  type SessionOptions,
  type SpecOptions,
  varFileOption,
  varOption,
} from './options.ts'
import type { Surroundings } from './surroundings.ts'

const EXAMPLES = `
Examples:
  ocibake plan app.spec.ts
  ocibake plan app.spec.ts --platform linux/arm64 --var version=1.2`

export function planCommand(around: Surroundings): Command {
  return new Command('plan')
    .description('Show what a build would pull, fetch, lay and run, and what of it is cached')
    .argument('<spec>', 'a spec file, a Packer template, or a Dockerfile')
    .addOption(varOption())
    .addOption(varFileOption())
    .addOption(mapBaseOption())
    .addOption(ignoreTodosOption())
    .addOption(platformsOption())
    .addOption(cacheOption())
    .addOption(insecureOption())
    .addOption(mirrorOption())
    .addOption(mirrorFallbackOption())
    .addHelpText('after', EXAMPLES)
    .action(async (spec: string, options: SpecOptions & SessionOptions) => {
      keepCompiledCode(cacheFolder(options, around), { make: true })
      const { planAction } = await import('./plan-action.ts')
      await planAction(spec, options, around)
    })
}
