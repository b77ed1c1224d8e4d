import { Command, InvalidArgumentError, Option } from 'commander'
import { nanoseconds } from '../oci/duration.ts'
import { byteSize } from './byte-size.ts'
import type { PruneActionOptions } from './cache-action.ts'
import { cacheOption, type SessionOptions } from './options.ts'
import type { Surroundings } from './surroundings.ts'

const EXAMPLES = `
Examples:
  ocibake cache ls
  ocibake cache prune --older-than 168h --max-size 20GB
  ocibake cache verify`

export function cacheCommand(around: Surroundings): Command {
  const command = new Command('cache').description('Look after the folder of fetched and finished layers')
  command
    .command('ls')
    .description('List what is in the cache, the latest used first')
    .addOption(cacheOption())
    .action(async (options: SessionOptions) => (await import('./cache-action.ts')).listCache(options, around))
  command
    .command('prune')
    .description('Remove what is not needed; without an option, all that no running build uses')
    .addOption(new Option('--max-size <size>', 'what may stay, for example 20GB').argParser(bytesOf))
    .addOption(
      new Option('--older-than <time>', 'only what was not used for so long, for example 168h').argParser(
        millisecondsOf,
      ),
    )
    .addOption(cacheOption())
    .action(async (options: PruneActionOptions) => (await import('./cache-action.ts')).pruneCache(options, around))
  command
    .command('verify')
    .description('Read everything and remove what is damaged; it is fetched or made anew when it is needed')
    .addOption(cacheOption())
    .action(async (options: SessionOptions) => (await import('./cache-action.ts')).verifyCache(options, around))
  return command.addHelpText('after', EXAMPLES)
}

function millisecondsOf(text: string): number {
  try {
    return nanoseconds(text, '--older-than') / 1e6
  } catch {
    throw new InvalidArgumentError('Write a time such as 30m or 168h, up to 2400h.')
  }
}

function bytesOf(text: string): number {
  try {
    return byteSize(text, '--max-size')
  } catch {
    throw new InvalidArgumentError('Write a size such as 500MB or 20GB.')
  }
}
