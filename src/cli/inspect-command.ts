import { Command } from 'commander'
import { cacheFolder } from './cache-folder.ts'
import { keepCompiledCode } from './compiled-code.ts'
import type { InspectActionOptions } from './inspect-action.ts'
import { cacheOption, insecureOption, mirrorFallbackOption, mirrorOption, platformOption } from './options.ts'
import type { Surroundings } from './surroundings.ts'

const EXAMPLES = `
Examples:
  ocibake inspect debian:bookworm-slim
  ocibake inspect oci:out/app --files
  ocibake inspect docker-archive:app.tar --json
  ocibake inspect s3://bucket/app.tar.gz`

export function inspectCommand(around: Surroundings): Command {
  return new Command('inspect')
    .description('Show manifest, config and layers of an image, or the members of a tarball')
    .argument(
      '<ref>',
      'docker://REF or REF, oci:FOLDER[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE[:NAME:TAG]; s3://, https:// or ./FILE',
    )
    .option('--files', 'list every file of the image: mode, owner, size, path')
    .option('--json', 'print one JSON document')
    .addOption(platformOption())
    .addOption(cacheOption())
    .addOption(insecureOption())
    .addOption(mirrorOption())
    .addOption(mirrorFallbackOption())
    .addHelpText('after', EXAMPLES)
    .action(async (reference: string, options: InspectActionOptions) => {
      keepCompiledCode(cacheFolder(options, around), { make: true })
      const { inspectAction } = await import('./inspect-action.ts')
      await inspectAction(reference, options, around)
    })
}
