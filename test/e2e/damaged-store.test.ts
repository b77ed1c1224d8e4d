/** Builds on a store in which bytes were changed: the image is the right one, or there is none. Needs a sandbox. */
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CacheUse } from '../../src/build/cache-use.ts'
import { build } from '../../src/build.ts'
import type { Event } from '../../src/events.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { Store } from '../../src/oci/store.ts'
import { verifyStore } from '../../src/oci/store-verify.ts'
import { parseTransport } from '../../src/oci/transport.ts'
import { RegistryConnection } from '../../src/registry/connection.ts'
import { loadSpec } from '../../src/spec/load.ts'
import { makePlan } from '../../src/spec/plan.ts'
import { wordy } from '../support/bytes.ts'
import { Random } from '../support/random-tree.ts'
import { filesOf } from '../support/store.ts'
import { umociBase } from '../support/umoci-base.ts'

/** Takes something from everything that a build keeps. */
const STEPS = [
  { copy: 'app/', to: '/app' },
  { unpack: 'tool.tar.gz', to: '/opt' },
  { run: 'cat /app/a.conf /opt/tool/words >/srv/made; chmod 700 /tmp' },
  { run: 'cat /srv/made >/srv/again' },
]

/** What the next build finds. */
const NEXT = ['nothing changed', 'a file changed', 'everything is made anew'] as const
type Next = (typeof NEXT)[number]

let folder = ''
let from = ''
const right = new Map<Next, string>()

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ocibake-damaged-'))
  from = `oci:${await umociBase(folder)}:base`
  for (const name of ['app', 'tool']) mkdirSync(join(folder, name))
  writeFileSync(join(folder, 'app/a.conf'), 'one\n')
  writeFileSync(join(folder, 'tool/words'), wordy(new Random(1), 200_000))
  writeFileSync(join(folder, 'tool/noise'), randomBytes(9 << 20))
  execFileSync('tar', ['-czf', 'tool.tar.gz', 'tool'], { cwd: folder })
  await built(join(folder, 'template'), 'all')
  for (const what of NEXT) right.set(what, (await next(copyOfTemplate(), what)).digest)
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Built {
  readonly digest: string
  readonly warnings: readonly string[]
}

async function built(root: string, use: CacheUse): Promise<Built> {
  writeFileSync(join(folder, 'app.spec.json'), JSON.stringify({ from, steps: STEPS }))
  const loaded = await loadSpec(join(folder, 'app.spec.json'), { vars: {}, env: {} })
  await using store = await Store.open(root)
  const warnings: string[] = []
  const report = (event: Event) => {
    if (event.type === 'warning') warnings.push(event.message)
  }
  const credentials = async () => undefined
  const connection = new RegistryConnection({ credentials, insecureRegistries: new Set(), report, userAgent: 'test' })
  const outputs = [parseTransport(`oci:${folder}/out`)]
  const plan = makePlan(loaded, { platform: undefined, tags: [], env: {} })
  const around = { push: false, sandbox: 'auto', env: {}, signal: new AbortController().signal }
  try {
    const { image } = await build(plan, { store, connection, outputs, cache: use, report, ...around })
    return { digest: image.manifest.digest, warnings }
  } finally {
    connection.close()
  }
}

async function next(store: string, what: Next): Promise<Built> {
  writeFileSync(join(folder, 'app/a.conf'), what === 'a file changed' ? 'two\n' : 'one\n')
  return await built(store, what === 'everything is made anew' ? 'none' : 'all')
}

function copyOfTemplate(): string {
  const store = mkdtempSync(join(folder, 'store-'))
  execFileSync('cp', ['-r', `${join(folder, 'template')}/.`, store])
  return store
}

const POSITIONS = ['start', 'middle', 'end', 'length', 'whole'] as const
type Position = (typeof POSITIONS)[number]

/** Changes a byte; at the length, cuts the last quarter off; of the whole, leaves nothing. */
function damage(path: string, position: Position): void {
  const bytes = readFileSync(path)
  const { length } = bytes
  const at = { start: 0, middle: length >> 1, end: length - 1, length: undefined, whole: undefined }[position]
  if (at !== undefined) bytes[at]! ^= 1
  writeFileSync(path, bytes.subarray(0, { length: Math.floor(length * 0.75), whole: 0 }[position as string] ?? length))
}

/** Every blob is what it is called. */
function expectSound(layout: string): void {
  for (const hex of readdirSync(join(layout, 'blobs/sha256'))) {
    expect(digestOf(readFileSync(join(layout, 'blobs/sha256', hex)))).toBe(`sha256:${hex}`)
  }
}

const KINDS: readonly [string, RegExp][] = [
  ['blobs', /^blobs/],
  ['raw tars', /\.tar$/],
  ['indexes of raw tars', /\.index$/],
  ['trees of layers', /\.tree$/],
  ['indexes of blocks', /^blocks/],
  ['indexes of pieces', /^pieces/],
  ['records', /^cache/],
]
const PLACES = KINDS.flatMap(([kind, files], i) =>
  // An index that is too short is a changed one.
  POSITIONS.slice(0, i < 2 ? 5 : 3).map((position) => ({ kind, files, position })),
)
/** Each meets one of the builds that read it; files of the image, both. */
const CASES = PLACES.flatMap(({ kind, files, position }, i) =>
  NEXT.filter((_, j) => i % NEXT.length === j || (kind === 'raw tars' && position === 'middle' && j > 0)).map(
    (what) => [kind, position, what, files] as const,
  ),
)

describe('a store with damage', () => {
  it.each(CASES)('gives the right image or an error: all %s changed at their %s, and %s', async (...one) => {
    const [, position, what, files] = one
    const store = copyOfTemplate()
    const damaged = (await filesOf(store)).filter((path) => files.test(path))
    expect(damaged).not.toEqual([])
    for (const path of damaged) damage(join(store, path), position)
    rmSync(join(folder, 'out'), { recursive: true, force: true })
    let found: Built | undefined
    // A build starts again once; each time at least one file less is damaged.
    for (let left = damaged.length; found === undefined && left > 0; left--) {
      found = await next(store, what).catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'STORE_CORRUPT', hint: expect.stringContaining('again') })
        return undefined
      })
    }
    expect(found?.digest).toBe(right.get(what))
    expectSound(join(folder, 'out'))
  })

  it('says that it builds again when a single file is damaged, and then nothing is damaged any more', async () => {
    const store = copyOfTemplate()
    const tars = (await filesOf(store)).filter((path) => path.endsWith('.tar'))
    const largest = tars.sort((a, b) => statSync(join(store, b)).size - statSync(join(store, a)).size)[0]!
    damage(join(store, largest), 'middle')
    const { warnings } = await next(store, 'a file changed')
    expect(warnings).toEqual([expect.stringMatching(/was damaged, and has been removed\. The build starts again\.$/)])
    expect((await verifyStore({ root: store })).damaged).toEqual([])
    expect((await next(store, 'everything is made anew')).warnings).toEqual([])
  })
})
