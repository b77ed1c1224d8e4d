import { Command } from 'commander'
import { cacheFolder } from './cache-folder.ts'
import { keepCompiledCode } from './compiled-code.ts'
import type { ImportActionOptions } from './import-action.ts'
import { mapBaseOption, repeated, varFileOption, varOption } from './options.ts'
import type { Surroundings } from './surroundings.ts'

const EXAMPLES = `
Examples:
  ocibake import memcached.pkr.hcl                    writes memcached.spec.ts, and says what differs
  ocibake import . --var version=1.6.21 --report import.md
  ocibake import Dockerfile --var VERSION=1.6.21
  ocibake import web.json --map-base debian:bookworm-slim --output specs/web.spec.ts`

export function importCommand(around: Surroundings): Command {
  return new Command('import')
    .description('Write a spec from a Packer template or a Dockerfile, and say what became of each part of it')
    .argument('<template>', 'a .pkr.hcl file, a folder of them, a JSON template, or a Dockerfile')
    .option('-o, --output <file>', 'the spec; several images: the folder of theirs; default: NAME.spec.ts here')
    .addOption(varOption())
    .addOption(varFileOption())
    .addOption(mapBaseOption())
    .addOption(repeated('--only <name>', 'import this build alone: its name, that of its source, or a stage'))
    .addOption(repeated('--except <name>', 'leave this build out'))
    .option('--no-lift', 'keep every script as it is written')
    .option('--report <file>', 'write every finding there, in Markdown')
    .option('--force', 'replace files that are there')
    .addHelpText('after', EXAMPLES)
    .action(async (template: string, options: ImportActionOptions) => {
      keepCompiledCode(cacheFolder({}, around))
      const { importAction } = await import('./import-action.ts')
      await importAction(template, options, around)
    })
}
