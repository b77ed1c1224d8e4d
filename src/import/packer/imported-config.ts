import type { DraftFields } from '../draft.ts'
import type { Context } from './context.ts'
import type { Options } from './options.ts'
import { translateChanges } from './translate-changes.ts'

/** Fields of `config.unset` that take away what a base has without naming it. */
const UNSET = ['entrypoint', 'cmd', 'user', 'workdir', 'stopSignal', 'healthcheck', 'onbuild', 'shell', 'author']

/** The config of an image that docker-import made: nothing of the base's, and its own `changes`. */
export function importedConfig(options: Options, context: Context): DraftFields {
  const { keepCmd: _, ...config } = translateChanges(options.texts('changes'), context).config
  const says =
    'docker-import starts with an empty config; variables, ports, labels and volumes of the base are kept here.'
  context.notes.add('OB175', options.block.place, says, 'Name them in `config.unset` if they are not wanted.')
  const unset = Object.fromEntries(UNSET.filter((field) => !Object.hasOwn(config, field)).map((field) => [field, true]))
  return { ...config, unset }
}
