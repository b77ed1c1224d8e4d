import { jsonTexts } from '../dockerfile/instructions.ts'
import type { DraftFields } from '../draft.ts'
import { Invalid } from './invalid.ts'

const FLAGS: ReadonlyMap<string, string> = new Map([
  ['--interval', 'interval'],
  ['--timeout', 'timeout'],
  ['--start-period', 'startPeriod'],
  ['--start-interval', 'startInterval'],
  ['--retries', 'retries'],
])

/** What stands behind HEALTHCHECK, as a spec's `config.healthcheck`. @throws Invalid */
export function healthcheckChange(rest: string): DraftFields | 'none' {
  const fields: Record<string, string | number> = {}
  let behind = rest
  for (let flag = flagOf(behind); flag !== undefined; flag = flagOf(behind)) {
    const field = FLAGS.get(flag.name)
    if (field === undefined) throw new Invalid(`HEALTHCHECK has no ${flag.name}`)
    // Docker takes nothing for what is 0.
    if (!/^0[a-z]*$/.test(flag.value)) fields[field] = field === 'retries' ? Number(flag.value) : flag.value
    behind = behind.slice(flag.length).trimStart()
  }
  const [kind = ''] = behind.split(/\s/, 1)
  const command = behind.slice(kind.length).trim()
  if (kind.toUpperCase() === 'NONE') return 'none'
  if (kind.toUpperCase() !== 'CMD' || command === '') throw new Invalid('HEALTHCHECK has neither CMD nor NONE')
  return { cmd: jsonTexts(command) ?? command, ...fields }
}

function flagOf(text: string): { name: string; value: string; length: number } | undefined {
  const [whole = '', name, value] = /^(--[a-z-]+)=(\S+)(?=\s|$)/.exec(text) ?? []
  return name === undefined || value === undefined ? undefined : { name, value, length: whole.length }
}
