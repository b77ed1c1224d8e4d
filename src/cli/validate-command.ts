import { Command } from 'commander'
import { OcibakeError } from '../errors.ts'
import { cacheFolder } from './cache-folder.ts'
import { keepCompiledCode } from './compiled-code.ts'
import {
  ignoreTodosOption,
  mapBaseOption,
  platformsOption,
  type SpecOptions,
  varFileOption,
  varOption,
} from './options.ts'
import type { Surroundings } from './surroundings.ts'

const EXAMPLES = `
Examples:
  ocibake validate app.spec.ts
  ocibake validate *.spec.ts --var version=1.2`

export function validateCommand(around: Surroundings): Command {
  return new Command('validate')
    .description('Check specs without building; names every mistake at once')
    .argument('<spec...>', 'spec files, Packer templates, or Dockerfiles')
    .addOption(varOption())
    .addOption(varFileOption())
    .addOption(mapBaseOption())
    .addOption(ignoreTodosOption())
    .addOption(platformsOption())
    .addHelpText('after', EXAMPLES)
    .action(async (specs: string[], options: SpecOptions) => {
      keepCompiledCode(cacheFolder({}, around))
      const { plansOf } = await import('./plans-of.ts')
      const wrong: OcibakeError[] = []
      for (const spec of specs) {
        try {
          const { warnings } = await plansOf(spec, options, around)
          for (const { message, hint } of warnings) around.stderr.write(`warning: ${message}\n  -> ${hint}\n`)
          around.stdout(`${spec}: valid\n`)
        } catch (error) {
          if (!(error instanceof OcibakeError)) throw error
          wrong.push(error)
        }
      }
      const [first, ...others] = wrong
      if (first === undefined) return
      if (others.length === 0) throw first
      const message = wrong.map((error) => error.message).join('\n')
      throw new OcibakeError('SPEC_INVALID', message, first.hint === undefined ? {} : { hint: first.hint })
    })
}
