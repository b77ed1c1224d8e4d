/** Builds that use what earlier builds made, and that must make the same as if they did not. Needs a sandbox. */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { CacheUse } from '../../src/build/cache-use.ts'
import { build } from '../../src/build.ts'
import type { Event } from '../../src/events.ts'
import { Store } from '../../src/oci/store.ts'
import { pruneStore } from '../../src/oci/store-prune.ts'
import { parseTransport } from '../../src/oci/transport.ts'
import { RegistryConnection } from '../../src/registry/connection.ts'
import { loadSpec } from '../../src/spec/load.ts'
import { makePlan } from '../../src/spec/plan.ts'
import { umociBase } from '../support/umoci-base.ts'

/** Works on everything that a delta has to tell: new, changed, moved, linked, owned, removed. */
const SCRIPT = [
  'echo new >/srv/made; echo more >>/srv/one; ln /srv/able /srv/again; chmod 700 /tmp',
  'rm -r /srv/replaced; mkdir -p /srv/deep/er; ln -s ../made /srv/deep/link; cat /app/a.conf >/srv/deep/er/copy',
]

let outer = ''
let from = ''
let folder = ''
let cache = ''

beforeAll(async () => {
  outer = mkdtempSync(join(tmpdir(), 'ocibake-step-cache-'))
  from = `oci:${await umociBase(outer)}:base`
})

afterAll(() => rmSync(outer, { recursive: true, force: true }))

beforeEach(() => {
  folder = mkdtempSync(join(outer, 'case-'))
  cache = join(folder, 'cache')
  for (const name of ['app', 'late']) mkdirSync(join(folder, name))
  put('app/a.conf', 'one\n')
  put('app/b.conf', 'two\n')
  put('late/c.conf', 'three\n')
})

function put(path: string, text: string): void {
  writeFileSync(join(folder, path), text)
}

const STEPS = [
  { copy: 'app/', to: '/app' },
  { run: SCRIPT },
  { copy: 'late/', to: '/late' },
  { run: 'cat /late/c.conf /srv/made >/srv/both' },
  { own: '/srv/both', by: 'core:core' },
]

interface Built {
  readonly digest: string
  /** Of the scripts: `2: from the cache`. */
  readonly scripts: readonly string[]
  readonly isCached: boolean
  readonly events: readonly Event[]
}

interface Choice {
  readonly use?: CacheUse
  readonly store?: string
  readonly sandbox?: string
  readonly env?: Readonly<Record<string, string>>
  readonly outputs?: readonly string[]
}

async function built(
  fields: object = {},
  { use = 'all', store: root = cache, sandbox = 'auto', env = {}, outputs = [] }: Choice = {},
): Promise<Built> {
  put('app.spec.json', JSON.stringify({ from, steps: STEPS, ...fields }))
  const loaded = await loadSpec(join(folder, 'app.spec.json'), { vars: {}, env })
  await using store = await Store.open(root)
  const events: Event[] = []
  const report = (event: Event) => void events.push(event)
  const connection = new RegistryConnection({
    credentials: async () => undefined,
    insecureRegistries: new Set(),
    report,
    userAgent: 'test',
  })
  try {
    const written = [`oci:${folder}/out`, ...outputs].map(parseTransport)
    const plan = makePlan(loaded, { platform: undefined, tags: [], env })
    const { signal } = new AbortController()
    const { image } = await build(plan, {
      store,
      connection,
      push: false,
      outputs: written,
      sandbox,
      cache: use,
      env,
      report,
      signal,
    })
    const scripts = events.flatMap((event) => (event.type === 'step-cache' ? [`${event.step}: ${event.why}`] : []))
    const isCached = events.some(({ type }) => type === 'layer-cached')
    return { digest: image.manifest.digest, scripts, isCached, events }
  } finally {
    connection.close()
  }
}

/** What a machine makes that has never built anything. */
const afresh = async (fields: object = {}) =>
  (await built(fields, { store: mkdtempSync(join(folder, 'fresh-')), use: 'none' })).digest

const SHORT = { steps: [{ copy: 'app/', to: '/app' }, { run: 'echo a >/srv/a' }] }

/** As an editor that keeps times would, or a clock that was set back. */
function touched(path: string, text: string): void {
  const { atime, mtime } = statSync(join(folder, path))
  put(path, text)
  utimesSync(join(folder, path), atime, mtime)
}

const FIRST = ['2: first build here', '4: first build here']

describe('a build into which the same goes', () => {
  it('makes nothing again, and needs no sandbox', async () => {
    const first = await built()
    expect(first).toMatchObject({ isCached: false, scripts: FIRST })
    const second = await built({}, { sandbox: 'none such' })
    expect(second).toMatchObject({ isCached: true, scripts: [], digest: first.digest })
  })

  it('may stand in another folder, with other times and other labels', async () => {
    await built()
    const before = folder
    folder = mkdtempSync(join(outer, 'elsewhere-'))
    execFileSync('cp', ['-r', join(before, 'app'), join(before, 'late'), folder])
    const labelled = { config: { labels: { a: 'b' } } }
    const second = await built(labelled)
    expect(second.isCached).toBe(true)
    expect(second.digest).toBe(await afresh(labelled))
  })

  it('still writes the whole filesystem where that is wanted', async () => {
    const archive = (name: string) => ({ outputs: [`rootfs:${folder}/${name}`] })
    await built({}, archive('first.tar'))
    const second = await built({}, { ...archive('second.tar'), sandbox: 'none such' })
    expect(second).toMatchObject({ isCached: true, scripts: [] })
    expect(second.events.filter(({ type }) => type.startsWith('step-'))).toEqual([])
    expect(readFileSync(join(folder, 'second.tar')).equals(readFileSync(join(folder, 'first.tar')))).toBe(true)
  })

  it('writes the filesystem that is in its layer, although a script would leave another one now', async () => {
    const steps = [{ run: 'cat /proc/sys/kernel/random/uuid >/srv/id' }]
    const archive = (name: string) => ({ outputs: [`rootfs:${folder}/${name}`] })
    await built({ steps }, archive('first.tar'))
    for (const name of readdirSync(join(cache, 'layers'))) rmSync(join(cache, 'layers', name))
    const second = await built({ steps }, archive('second.tar'))
    expect(second).toMatchObject({ isCached: true, scripts: [] })
    expect(readFileSync(join(folder, 'second.tar')).equals(readFileSync(join(folder, 'first.tar')))).toBe(true)
  })

  it('makes a layer again that is no longer in the cache, from the scripts that are', async () => {
    const first = await built()
    const { digest } = JSON.parse(readFileSync(join(folder, 'out/index.json'), 'utf8')).manifests[0]
    const manifest = JSON.parse(readFileSync(join(folder, 'out/blobs/sha256', digest.slice(7)), 'utf8'))
    rmSync(join(cache, 'blobs/sha256', manifest.layers[0].digest.slice(7)))
    const second = await built({}, { sandbox: 'none such' })
    expect(second.scripts).toEqual(['2: from the cache', '4: from the cache'])
    expect(second.digest).toBe(first.digest)
  })
})

describe('a script', () => {
  it('whose inputs did not change is not run, and the image is what it would be if it were', async () => {
    await built()
    put('late/c.conf', 'another\n')
    const second = await built()
    expect(second.scripts).toEqual(['2: from the cache', '4: changed because late/c.conf changed'])
    expect(second.digest).toBe(await afresh())
  })

  it('says which file it is run again for', async () => {
    await built(SHORT)
    const changes: [change: () => void, why: string][] = [
      [() => put('app/b.conf', 'other\n'), 'app/b.conf changed'],
      [() => touched('app/b.conf', 'OTHER\n'), 'app/b.conf changed'],
      [() => chmodSync(join(folder, 'app/b.conf'), 0o755), 'app/b.conf changed'],
      [() => put('app/new', ''), 'app/new is new'],
      [() => rmSync(join(folder, 'app/new')), ''],
      [() => rmSync(join(folder, 'app/b.conf')), 'app/b.conf is gone'],
    ]
    for (const [change, why] of changes) {
      change()
      // What was the last build but one is known, too.
      expect((await built(SHORT)).scripts).toEqual(why === '' ? [] : [`2: changed because ${why}`])
    }
  })

  it('says what else it is run again for', async () => {
    const [copy, run] = SHORT.steps
    await built(SHORT)
    const changes: [fields: object, why: string][] = [
      [{ steps: [copy, { run: 'echo b >/srv/a' }] }, 'its own text changed'],
      [{ steps: [{ copy: 'app/', to: '/other' }, { run: 'echo b >/srv/a' }] }, 'step 1 (copy) is another'],
      [{ steps: [copy, run], created: '2020-01-01T00:00:00Z' }, "the image's time is another"],
      [{ steps: [{ copy: '/bin/busybox', to: '/bin/sh' }, { run: 'echo' }], from: 'scratch' }, 'the base changed'],
    ]
    for (const [fields, why] of changes) {
      expect((await built(fields)).scripts).toEqual([`2: changed because ${why}`])
    }
  })

  it.each<[string, CacheUse, readonly string[]]>([
    ['--no-cache', 'none', ['2: run again because of --no-cache', '4: run again because of --no-cache']],
    ['--no-cache-from 4', { before: 4 }, ['2: from the cache', '4: run again because of --no-cache-from']],
  ])('is run again because of %s', async (_, use, wanted) => {
    const { digest } = await built()
    expect(await built({}, { use })).toMatchObject({ isCached: false, scripts: wanted, digest })
  })

  it('is not run again because a secret has another value, and keeps none', async () => {
    const steps = [{ run: 'cat /run/secrets/token >/dev/null', secrets: [{ id: 'token', source: 'env:TOKEN' }] }]
    await built({ steps }, { env: { TOKEN: 'first-value' } })
    const second = await built({ steps }, { env: { TOKEN: 'second-value' } })
    expect(second.isCached).toBe(true)
    for (const path of readdirSync(join(cache, 'cache'))) {
      expect(readFileSync(join(cache, 'cache', path), 'utf8')).not.toMatch(/(first|second)-value/)
    }
  })

  it('that failed is run again', async () => {
    const steps = [{ copy: 'app/', to: '/app' }, { run: 'cat /app/a.conf; test $(cat /app/a.conf) = right' }]
    await expect(built({ steps })).rejects.toMatchObject({ code: 'RUN_FAILED' })
    await expect(built({ steps })).rejects.toMatchObject({ code: 'RUN_FAILED' })
    put('app/a.conf', 'right\n')
    expect((await built({ steps })).scripts).toEqual(['2: changed because app/a.conf changed'])
  })

  it('is run again when its result was pruned', async () => {
    const first = await built()
    {
      await using store = await Store.open(cache)
      await pruneStore(store)
    }
    const second = await built()
    expect(second).toMatchObject({ isCached: false, digest: first.digest, scripts: FIRST })
  })

  it('that ran before the image is dated is run again, so that no time tells', async () => {
    const steps = [{ run: 'echo a >/srv/a' }, { unpack: 'x.tar', to: '/x' }]
    const dated = (seconds: number) => {
      utimesSync(join(folder, 'app/a.conf'), seconds, seconds)
      execFileSync('tar', ['-cf', join(folder, 'x.tar'), '-C', join(folder, 'app'), 'a.conf'])
    }
    dated(1_600_000_000)
    await built({ steps })
    await sleep(1100)
    dated(Math.floor(Date.now() / 1000))
    const second = await built({ steps })
    expect(second.scripts).toEqual([
      '1: from the cache',
      '1: run again because the image is dated later than its result',
    ])
    expect(second.digest).toBe(await afresh({ steps }))
  })

  it('is not run again, but what it was warned of is said again', async () => {
    // syslogd follows the link when it makes its socket.
    const script = 'ln -s /srv/socket /dev/log; /bin/busybox syslogd -n & /bin/busybox sleep 0.5; kill $!'
    const steps = [{ run: script }, { copy: 'late/', to: '/late' }]
    const warnings = async () => (await built({ steps })).events.filter(({ type }) => type === 'warning')
    const first = await warnings()
    expect(first).toMatchObject([{ message: expect.stringContaining('/srv/socket') }])
    put('late/c.conf', 'x')
    expect(await warnings()).toEqual(first)
    expect(await warnings()).toEqual(first)
  })
})

it('builds of one spec at the same time make the same', async () => {
  const all = await Promise.all([built(), built(), built()])
  expect(new Set(all.map(({ digest }) => digest)).size).toBe(1)
  expect(await built()).toMatchObject({ isCached: true, digest: all[0]!.digest })
})
