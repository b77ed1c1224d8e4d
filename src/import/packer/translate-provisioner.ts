import { knownText } from '../text.ts'
import type { Action } from './action.ts'
import type { Context } from './context.ts'
import type { ImageFolders } from './image-folders.ts'
import type { Options } from './options.ts'
import { todoStep } from './todo-step.ts'
import { translateAnsible } from './translate-ansible.ts'
import { translateFile } from './translate-file.ts'
import { type ScriptDefaults, translateShell } from './translate-shell.ts'

/** What builds one image share. */
export interface ProvisionerScope {
  readonly defaults: ScriptDefaults
  readonly folders: ImageFolders
}

/** The steps of one provisioner of any type. Every option of it is used, or a finding. */
export function translateProvisioner(options: Options, scope: ProvisionerScope, context: Context): Action[] {
  noteCommon(options, context)
  const actions = byType(options, scope, context)
  for (const [name, { place }] of options.others) {
    context.notes.add(
      'OB183',
      place,
      `\`${name}\` of \`${options.block.type}\` is left out: there is nothing like it.`,
      'Look whether the image needs it.',
    )
  }
  return actions
}

function byType(options: Options, { defaults, folders }: ProvisionerScope, context: Context): Action[] {
  const { type, place } = options.block
  switch (type) {
    case 'shell':
      return translateShell(options, defaults, context)
    case 'file':
      return translateFile(options, folders, context)
    case 'ansible':
    case 'ansible-local':
      return translateAnsible(options, defaults.options, context)
    case 'breakpoint':
      for (const name of ['note', 'disable']) options.value(name)
      context.notes.add(
        'OB156',
        place,
        'A `breakpoint` is left out.',
        '`ocibake build` does not wait; a script that fails shows where its log is.',
      )
      return []
    case 'shell-local':
      return hostScript(options, context)
    default:
      return unknownProvisioner(options, context)
  }
}

function hostScript(options: Options, { notes }: Context): Action[] {
  const { place, attributes } = options.block
  for (const name of attributes.keys()) options.value(name)
  const lines = [
    ...options.texts('inline'),
    ...options.single('command'),
    ...options.single('script'),
    ...options.texts('scripts'),
  ]
  notes.add('OB188', place, 'A `shell-local` runs on the host, which no step does.', 'Run it before `ocibake build`.')
  const shown = lines.map(({ text }) => `  ${knownText(text) ?? 'a line with what is not known'}`)
  const comment = ['TODO: Packer ran this on the host, here:', ...shown]
  return [{ kind: 'step', step: { comment, places: [place] } }]
}

function unknownProvisioner(options: Options, { notes }: Context): Action[] {
  const { type, place, attributes } = options.block
  for (const name of attributes.keys()) options.value(name)
  notes.add(
    'OB182',
    place,
    `There is no step for the provisioner \`${type}\`.`,
    'Write what it does as `run` or `ansible` steps.',
  )
  return [todoStep(`TODO: the provisioner ${type} did its work here.`, place)]
}

/** Options that every provisioner has; `timeout` of a script is one of its step. */
function noteCommon(options: Options, { notes }: Context): void {
  const { type } = options.block
  if (options.has('pause_before')) {
    notes.add(
      'OB156',
      options.place('pause_before'),
      '`pause_before` is not needed.',
      'There is no machine that has to come up.',
    )
  }
  if (options.has('max_retries')) {
    notes.add(
      'OB176',
      options.place('max_retries'),
      'Packer tried again when this failed; here a step is performed once.',
      'Repeat in the script what may fail, such as a download.',
    )
  }
  if (!/^(shell|ansible|ansible-local)$/.test(type) && options.has('timeout')) {
    notes.add(
      'OB176',
      options.place('timeout'),
      `\`timeout\` of \`${type}\` is left out.`,
      'Only `run` steps have one.',
    )
  }
}
