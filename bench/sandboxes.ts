import { chown, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { AS_NOBODY, NOBODY } from '../test/support/ordinary-user.ts'
import { CLI } from './builders/ocibake.ts'
import type { Scenario } from './scenario/scenario.ts'
import { median } from './statistics.ts'
import { table } from './table.ts'

const SPEC = join(import.meta.dirname, 'scenario/sandbox.spec.ts')

/** As whom, and in which sandbox. chroot is the measure of the others. */
const PLACES = [
  { sandbox: 'chroot', user: 0 },
  { sandbox: 'userns', user: NOBODY },
  { sandbox: 'ptrace', user: NOBODY },
] as const

interface Taken {
  readonly digest: string
  /** Seconds, by what the script did; `step` is the whole step with laying out and reading back. */
  readonly seconds: ReadonlyMap<string, number>
}

/** What each sandbox costs a script, as ratios to chroot; they take turns. Also: whether the images are the same. */
export async function sandboxes(scenario: Scenario, work: string, runs: number): Promise<string> {
  const taken = new Map<string, Taken[]>(PLACES.map(({ sandbox }) => [sandbox, []]))
  for (let run = 1; run <= runs; run++) {
    for (const { sandbox, user } of PLACES) {
      const one = await build(sandbox, user, scenario, join(work, `sandbox-${sandbox}`))
      taken.get(sandbox)!.push(one)
      console.error(`bench: ${sandbox} ${run}/${runs}: ${[...one.seconds].map((pair) => pair.join(' ')).join(', ')}`)
    }
  }
  const names = [...taken.get('chroot')![0]!.seconds.keys()]
  const rows = names.map((name) => {
    const medians = PLACES.map(({ sandbox }) => median(taken.get(sandbox)!.map(({ seconds }) => seconds.get(name)!)))
    const [chroot, ...others] = medians
    return [name, chroot!.toFixed(2), ...others.map((seconds) => `${(seconds / chroot!).toFixed(2)}x`)]
  })
  const digests = new Set([...taken.values()].flat().map(({ digest }) => digest))
  const same = digests.size === 1 ? 'Every image has the same digest.' : `There are ${digests.size} digests!`
  return `${table(['what', 'chroot s', 'userns', 'ptrace'], rows)}\n\n${same}`
}

async function build(sandbox: string, user: number, scenario: Scenario, folder: string): Promise<Taken> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  await chown(folder, user, user)
  const places = ['--cache-dir', join(folder, 'store'), '--output', `oci:${folder}/out:v1`]
  const vars = ['--var', `scenario=${scenario.folder}`]
  const argv = [...CLI, 'build', SPEC, '--sandbox', sandbox, '--progress', 'json', ...places, ...vars]
  const [program, ...args] = user === 0 ? argv : [...AS_NOBODY, ...argv]
  const env = { HOME: folder, TMPDIR: folder }
  const { stdout, stderr } = await execa(program!, args, { env })
  await rm(folder, { recursive: true, force: true })
  return { digest: (JSON.parse(stdout) as { digest: string }).digest, seconds: scriptTimes(stderr) }
}

/** From `--progress json`: the script's `bench NAME NANOSECONDS`, and the time of the step around it. */
export function scriptTimes(events: string): Map<string, number> {
  const seconds = new Map<string, number>()
  for (const line of events.split('\n').filter((text) => text.startsWith('{'))) {
    const event = JSON.parse(line) as { type: string; line?: string; step?: number; milliseconds?: number }
    const said = /^bench (\w+) (\d+)$/.exec(event.line ?? '')
    if (event.type === 'output' && said !== null) seconds.set(said[1]!, Number(said[2]) / 1e9)
    if (event.type === 'step-finished' && event.step === 2) seconds.set('step', event.milliseconds! / 1000)
  }
  return seconds
}
