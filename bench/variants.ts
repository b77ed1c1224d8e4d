/**
 * What a builder knows before a timed run. `shared`: its own store is empty, and a repository of the registry has what an
 * earlier build of another machine has left there; one source file has changed since.
 */
export type Start = 'cold' | 'shared' | 'warm' | 'nothing'

export const STARTS: readonly Start[] = ['cold', 'shared', 'warm', 'nothing']

export interface Variant {
  readonly name: string
  readonly base: 'debian' | 'big'
  /** The tarball that S3 serves. */
  readonly object: 'memcached' | 'many' | 'large'
  /** In the folder `scripts` of the scenario; without one, no script runs. */
  readonly script?: 'install-local.sh' | 'install-apt.sh'
  readonly layers: 'squash' | 'append'
  /** Default: true. For others it is the same image. */
  readonly readBase?: boolean
  /** A file of uid 65100 that the image must have. */
  readonly wanted: string
  /** How many times as fast as the fastest other builder that squashes. */
  readonly goals: Partial<Record<Start, number>>
  /** Seconds. */
  readonly limit?: number
}

const MEMCACHED = 'opt/coredge/memcached/bin/memcached'

/** One image in the shapes in which it is built and asked for; the goals are those of the project. */
export const VARIANTS: readonly Variant[] = [
  {
    name: 'assemble',
    base: 'debian',
    object: 'memcached',
    layers: 'squash',
    wanted: MEMCACHED,
    goals: { cold: 1.8, warm: 6, nothing: 12 },
  },
  {
    name: 'script',
    base: 'debian',
    object: 'memcached',
    script: 'install-local.sh',
    layers: 'squash',
    wanted: MEMCACHED,
    goals: { cold: 1.5, warm: 2.3, nothing: 10 },
  },
  {
    name: 'big',
    base: 'big',
    object: 'memcached',
    layers: 'squash',
    wanted: MEMCACHED,
    goals: { cold: 1.8, warm: 4, nothing: 20 },
  },
  {
    name: 'many',
    base: 'debian',
    object: 'many',
    layers: 'squash',
    wanted: 'opt/coredge/many/d499/module-99.js',
    goals: { cold: 1.8, warm: 3, nothing: 15 },
  },
  {
    name: 'large',
    base: 'debian',
    object: 'large',
    layers: 'squash',
    wanted: 'opt/coredge/large/data.bin',
    goals: { cold: 1.7, warm: 3, nothing: 30 },
  },
  {
    name: 'append',
    base: 'debian',
    object: 'memcached',
    layers: 'append',
    wanted: MEMCACHED,
    goals: {},
    limit: 0.4,
  },
  {
    name: 'unread',
    base: 'debian',
    object: 'memcached',
    layers: 'append',
    readBase: false,
    wanted: MEMCACHED,
    goals: {},
    limit: 0.4,
  },
  {
    name: 'apt',
    base: 'debian',
    object: 'memcached',
    script: 'install-apt.sh',
    layers: 'squash',
    wanted: MEMCACHED,
    goals: {},
  },
]

/** `apt` depends on the network: it is measured only when it is named. */
export const USUAL_VARIANTS = VARIANTS.filter(({ name }) => name !== 'apt').map(({ name }) => name)

/** Of names of variants, in the order of the table. @throws for a name that there is not */
export function variantsNamed(names: readonly string[]): Variant[] {
  const unknown = names.find((name) => !VARIANTS.some((variant) => variant.name === name))
  if (unknown === undefined) return VARIANTS.filter(({ name }) => names.includes(name))
  throw new Error(`There is no variant '${unknown}'. There are: ${VARIANTS.map(({ name }) => name).join(', ')}.`)
}
