import { withoutSudo } from '../../shell/without-sudo.ts'
import type { ScriptAction } from '../action.ts'
import type { Context } from '../context.ts'

/** The script without `sudo`, which nobody needs who is root. */
export function liftSudo(script: ScriptAction, { notes }: Context): ScriptAction {
  if (!script.isPlain) return script
  const { script: text, taken, left } = withoutSudo(script.lines.map((line) => line.text).join('\n'))
  const place = script.lines.find((line) => /\bsudo\b/.test(line.text))?.place ?? script.place
  if (left > 0) {
    notes.add(
      'OB121',
      place,
      '`sudo` does more here than to become root; most images have none.',
      'Use a step with `user`.',
    )
  }
  if (taken === 0) return script
  const times = taken === 1 ? 'once' : `${taken} times`
  notes.add('OB166', place, `\`sudo\`, ${times}`, 'Taken away: scripts run as root.')
  const rows = text.split('\n')
  const lines = script.lines.map((line) => ({ ...line, text: rows.splice(0, line.text.split('\n').length).join('\n') }))
  return { ...script, lines }
}
