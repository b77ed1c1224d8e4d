import { isSecretName } from '../secret-name.ts'
import type { Context } from './context.ts'
import { missingBase } from './missing-base.ts'
import type { Options } from './options.ts'
import type { TranslatedSource } from './translate-docker.ts'

/**
 * A builder of machine images, such as amazon-ebs: nothing of it but the provisioners is for a container. `base` is the
 * image that stands for its machine.
 */
export function translateMachine(options: Options, base: string | undefined, context: Context): TranslatedSource {
  const { notes } = context
  const { type, place, attributes, blocks } = options.block
  const names = [...attributes.keys(), ...blocks.map((block) => block.type)]
  for (const name of attributes.keys()) options.value(name)
  const shown = names.length === 0 ? 'It has no options' : `Options without a meaning here: ${names.join(', ')}`
  notes.add(
    'OB179',
    place,
    `\`${type}\` makes a machine. ${shown}.`,
    'Its provisioners are imported; a container has no kernel, no init and no ssh.',
  )
  for (const [name, { value, place: at }] of attributes) {
    if (isSecretName(name) && typeof value === 'string' && value !== '') {
      notes.add(
        'OB124',
        at,
        `\`${name}\` is a secret in the template.`,
        'Take it out, and change it where it is known.',
      )
    }
  }
  if (base === undefined) {
    notes.add(
      'OB181',
      place,
      `Nothing says which image stands for the machine of \`${type}\`.`,
      'Name it: --map-base IMAGE, or --var base=IMAGE for the spec.',
    )
  }
  return { draft: { from: base ?? missingBase(), config: {}, others: {} }, runOptions: {}, flags: [] }
}
