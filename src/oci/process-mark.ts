import { createHash } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/**
 * A process that is named in a file name: its id, when it started (so that a later process with the same id is another
 * one), and where its id means something (a boot of a machine and a pid namespace: a store may be shared by containers).
 */
export interface ProcessMark {
  readonly pid: number
  readonly start: string
  readonly place: string
}

const MARK = /^(\d+)-(\d+)-([0-9a-f]{12})(?:-|$)/

let own: ProcessMark | undefined

/** This process. */
export function ownMark(): ProcessMark {
  own ??= { pid: process.pid, start: startOf(process.pid) ?? '0', place: ownPlace() }
  return own
}

export function markText({ pid, start, place }: ProcessMark): string {
  return `${pid}-${start}-${place}`
}

/** The mark that a file name begins with. */
export function parseMark(name: string): ProcessMark | undefined {
  const match = MARK.exec(name)
  if (match === null) return undefined
  const [, pid, start, place] = match
  return { pid: Number(pid), start: start!, place: place! }
}

/** Whether that process runs; 'unknown' when it is one of another container or machine. */
export function isAlive(mark: ProcessMark): boolean | 'unknown' {
  if (mark.place !== ownMark().place) return 'unknown'
  // Without /proc there is no start time: whoever has the id now counts as the one.
  if (mark.start === '0') return attempt(() => process.kill(mark.pid, 0)) === true
  return startOf(mark.pid) === mark.start
}

/** Clock ticks from boot to the start of a process (proc_pid_stat(5), field 22); undefined for none, or a zombie. */
function startOf(pid: number): string | undefined {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, 'latin1'))
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields === undefined || fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
}

function ownPlace(): string {
  const boot = attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1'))
  const namespace = attempt(() => readlinkSync('/proc/self/ns/pid'))
  return createHash('sha256')
    .update(JSON.stringify([boot ?? hostname(), namespace]))
    .digest('hex')
    .slice(0, 12)
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
