import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { PEERS, type PeerName } from './builders/peers.ts'
import { USUAL_VARIANTS, type Variant, variantsNamed } from './variants.ts'

/** What can be measured, in the order in which it is. */
export const PARTS = ['limits', 'builders', 'start', 'memory', 'linear', 'sandboxes'] as const
export type Part = (typeof PARTS)[number]

/** Minutes, not an hour, and a few GB of disk. */
const USUAL_PARTS: readonly Part[] = ['limits', 'builders', 'start']

export const USAGE = `npm run bench -- [PART...] [OPTION...]

Parts: ${PARTS.join(', ')}, all; without one: ${USUAL_PARTS.join(', ')}.
  limits      what this machine can do at best: sha256, inflate, deflate, the registry
  builders    ocibake beside other builders, on variants of one image
  start       how long the command line takes to start
  memory      a layer of 10 GB
  linear      50,000 to 500,000 files
  sandboxes   each sandbox beside chroot

  --only NAME,...     variants; default: ${USUAL_VARIANTS.join(',')} (there is apt too)
  --peers NAME,...    other builders; default: ${PEERS.join(',')}
  --runs N            of each; default 3
  --state FOLDER      where everything is kept, and found again; default: ocibake-bench in the temporary folder.
                      Memory (/dev/shm) takes the disk out of the figures; it needs 10 GB there
  --gigabytes N       of the memory part's layer; default 10`

export interface Options {
  readonly parts: readonly Part[]
  readonly variants: readonly Variant[]
  readonly peers: readonly PeerName[]
  readonly runs: number
  readonly state: string
  readonly gigabytes: number
}

/** @throws for what USAGE does not say */
export function parseOptions(argv: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      only: { type: 'string', default: USUAL_VARIANTS.join() },
      peers: { type: 'string', default: PEERS.join() },
      runs: { type: 'string', default: '3' },
      state: { type: 'string', default: join(tmpdir(), 'ocibake-bench') },
      gigabytes: { type: 'string', default: '10' },
    },
  })
  const parts = positionals.includes('all') ? PARTS : (positionals.map((name) => oneOf(PARTS, name)) as Part[])
  return {
    parts: PARTS.filter((part) => (parts.length > 0 ? parts : USUAL_PARTS).includes(part)),
    variants: variantsNamed(named(values.only)),
    peers: named(values.peers).map((name) => oneOf(PEERS, name)),
    runs: positive(values.runs),
    state: resolve(values.state),
    gigabytes: positive(values.gigabytes),
  }
}

function named(list: string): string[] {
  return list.split(',').filter((name) => name !== '')
}

function oneOf<T extends string>(known: readonly T[], name: string): T {
  const found = known.find((one) => one === name)
  if (found === undefined) throw new Error(`'${name}' is none of: ${known.join(', ')}.`)
  return found
}

function positive(text: string): number {
  const number = Number(text)
  if (!Number.isInteger(number) || number < 1) throw new Error(`'${text}' is no whole number above 0.`)
  return number
}
