/**
 * `npm run bench`: how fast ocibake is, beside other builders and beside what this machine can do at best. By hand only:
 * nothing asserts a time. It needs root, packages of Debian (scripts/setup.sh installs them) and a Debian mirror. All
 * it starts listens on loopback and is stopped at the end; what took long to make stays in the state folder.
 */
import { mkdir, rm } from 'node:fs/promises'
import { cpus, loadavg, totalmem } from 'node:os'
import { join } from 'node:path'
import { LeaveClean } from '../scripts/demo/leave-clean.ts'
import { compare } from './compare.ts'
import { floorTable } from './floor-table.ts'
import { type MeasuredLimits, measureLimits } from './limits.ts'
import { type Options, type Part, parseOptions, USAGE } from './options.ts'
import { sandboxes } from './sandboxes.ts'
import { makeScenario, type Scenario } from './scenario/scenario.ts'
import { type Services, startServices } from './services.ts'
import { hugeLayer, moreAndMoreFiles, type SizesOptions } from './sizes.ts'
import { startUp } from './start-up.ts'
import { stateFolder } from './state-folder.ts'
import { resultTables } from './tables.ts'

/** What a part has at hand. */
interface Hall {
  readonly options: Options
  readonly scenario: Scenario
  readonly services: Services
  /** Gone at the end; parts have folders of their own in it. */
  readonly work: string
  /** Measured when they are first asked for. */
  limits(): Promise<MeasuredLimits>
  readonly clean: LeaveClean
}

const PARTS: { readonly [part in Part]: (hall: Hall) => Promise<string> } = {
  limits: async ({ limits }) => (await limits()).table,
  async builders({ options, scenario, services, work, limits, clean }) {
    const stamp = new Date().toISOString().replace(/[:.]/g, '-')
    const results = join(options.state, `results-${stamp}.jsonl`)
    console.error(`bench: every run goes into ${results}`)
    const builds = await compare({ ...options, folder: work, results, scenario, services, clean })
    return `${resultTables(builds)}\n\n${await floorTable(builds, options.variants, scenario, await limits())}`
  },
  start: startUp,
  memory: (hall) => hugeLayer(hall.options.gigabytes, sizesOf(hall)),
  linear: (hall) => moreAndMoreFiles(sizesOf(hall)),
  sandboxes: ({ options, scenario, work }) => sandboxes(scenario, work, options.runs),
}

function sizesOf({ scenario, services, work, clean }: Hall): SizesOptions {
  return { objects: join(scenario.folder, 'objects'), work, services, signal: clean.signal }
}

async function bench(options: Options, clean: LeaveClean): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error('Other builders need root here. Try: sudo npm run bench')
  await stateFolder(options.state)
  const work = join(options.state, 'work')
  // The stores name a registry that is gone afterwards.
  clean.later(`remove ${work}`, () => rm(work, { recursive: true, force: true }))
  const temporary = join(work, 'tmp')
  await mkdir(temporary, { recursive: true })
  // The registry's storage too is in the state folder.
  process.env.TMPDIR = temporary
  const variants = options.parts.includes('builders') ? options.variants : []
  const scenario = await makeScenario(join(options.state, 'scenario'), variants)
  const services = await startServices(scenario, clean)
  let limits: Promise<MeasuredLimits> | undefined
  const hall: Hall = {
    ...{ options, scenario, services, work, clean },
    limits: () => (limits ??= measureLimits(scenario, services, work, options.runs)),
  }
  console.log(machine())
  for (const part of options.parts) {
    console.error(`bench: ${part}`)
    console.log(`\n${part}\n\n${await PARTS[part](hall)}`)
  }
}

function machine(): string {
  const processors = cpus()
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`
  const load = loadavg()[0]!.toFixed(1)
  const date = new Date().toISOString().slice(0, 16).replace('T', ' ')
  return `${date} UTC; ${processors.length} x ${processors[0]?.model}, ${memory}; Node ${process.version}; load ${load}`
}

const clean = new LeaveClean()
try {
  const argv = process.argv.slice(2)
  if (argv.includes('--help')) console.log(USAGE)
  else await bench(parseOptions(argv), clean)
} catch (error) {
  process.exitCode = 1
  console.error(`bench: ${clean.signal.aborted ? clean.signal.reason.message : error}`)
} finally {
  await clean.now()
}
