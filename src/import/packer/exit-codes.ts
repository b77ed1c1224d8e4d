import { isList } from '../value.ts'
import type { Context } from './context.ts'
import type { Options } from './options.ts'

/**
 * The first line of a script that is to count as done when it ends with one of `valid_exit_codes`, or in any way with
 * `continue_on_error`; undefined when 0 alone is right, as for a step.
 */
export function exitCodeTrap(options: Options, { notes }: Context): string | undefined {
  const value = options.value('valid_exit_codes')
  const codes = (isList(value) ? value : value === undefined ? [0] : [value]).map(Number)
  if (options.flag('continue_on_error') === true) {
    notes.add(
      'OB152',
      options.place('continue_on_error'),
      '`continue_on_error`',
      'A trap in the script: it is done however it ends.',
    )
    return "trap 'exit 0' EXIT"
  }
  if (codes.every((code) => code === 0)) return undefined
  notes.add(
    'OB152',
    options.place('valid_exit_codes'),
    '`valid_exit_codes`',
    'A trap in the script: a step knows exit code 0 alone.',
  )
  const others = codes.filter((code) => code !== 0)
  const zero = codes.includes(0) ? '' : ' 0) exit 1 ;;'
  return `trap 'case $? in ${others.join(' | ')}) exit 0 ;;${zero} esac' EXIT`
}
