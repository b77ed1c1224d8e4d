/** What one machine has made and another takes from a registry. Each build here has an empty store. Needs a sandbox. */
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Metadata } from '../../src/cli/metadata.ts'
import { type Digest, digestOf } from '../../src/oci/digest.ts'
import { directory, FRESH_DIRECTORY } from '../../src/oci/node.ts'
import { Store } from '../../src/oci/store.ts'
import { storePaths } from '../../src/oci/store-paths.ts'
import { writeTree } from '../../src/oci/tree-writer.ts'
import { runCli } from '../support/cli.ts'
import { freePort, REGISTRY_USER, startRegistry, type TestRegistry } from '../support/registry.ts'
import { token } from '../support/secrets.ts'
import { skopeoCopy } from '../support/skopeo.ts'
import { umociBase } from '../support/umoci-base.ts'

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'

interface Built {
  readonly code: number
  readonly made: Metadata
  readonly stderr: string
  readonly asked: readonly string[]
}

interface Choice {
  /** Of the store: one of an earlier build, else an empty one. */
  readonly cache?: string
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly under?: readonly string[]
}

let outer = ''
let layout = ''
let registry: TestRegistry
let folder = ''
let team = ''
let count = 0
/** Of all files that are copied: what is built of the same fields has the same digest in each test. */
const DATED = Math.floor(Date.now() / 1000)

beforeAll(async () => {
  outer = await mkdtemp(join(tmpdir(), 'ocibake-cache-repo-'))
  registry = await startRegistry()
  layout = await umociBase(outer)
  await skopeoCopy(`oci:${layout}:base`, `docker://${registry.host}/library/base:1`, '--dest-tls-verify=false')
})

afterAll(async () => {
  await registry?.stop()
  await rm(outer, { recursive: true, force: true })
})

beforeEach(async () => {
  folder = await mkdtemp(join(outer, 'case-'))
  team = `team-${++count}`
  await mkdir(join(folder, 'app'))
  await writeFile(join(folder, 'app/a.conf'), 'one\n')
  for (const path of ['app/a.conf', 'app']) await utimes(join(folder, path), DATED, DATED)
})

const COPY = { copy: 'app/', to: '/app' }
const RUN = { run: 'date +%s%N >/srv/chance; echo a >/srv/a; rm /srv/replaced/new; chmod 700 /tmp' }
const cacheRepo = () => `${registry.host}/${team}/app/cache`
const tag = (name = 'app') => `${registry.host}/${team}/${name}:1`

async function build(fields: object, choice: Choice = {}): Promise<Built> {
  const { cache = await mkdtemp(join(folder, 'store-')), env = {}, under = [] } = choice
  const args = choice.args ?? ['--push', '--tag', tag(), '--cache-repo', cacheRepo()]
  const from = `${registry.host}/library/base:1`
  await writeFile(join(folder, 'app.spec.json'), JSON.stringify({ from, ...fields }))
  const before = (await registry.requests()).length
  const metadata = join(folder, 'made.json')
  await rm(metadata, { force: true })
  const { code, stderr } = await runCli(['build', 'app.spec.json', ...args, '--metadata-file', metadata], {
    cache,
    cwd: folder,
    env,
    under,
  })
  const asked = (await registry.requests()).slice(before)
  const made = JSON.parse(await readFile(metadata, 'utf8').catch(() => '{}')) as Metadata
  return { code, made, stderr, asked }
}

/** What the first test that asked for a build of these fields got, and the repositories as that build left them. */
const known = new Map<string, Promise<{ readonly built: Built; readonly left: string }>>()

/**
 * As `build(fields)` on a machine that is the first to push for this team: once a test file. The others get copies of its
 * repositories, which hold nothing but links to blobs.
 */
async function buildOnce(fields: object): Promise<Built> {
  const key = JSON.stringify(fields)
  const repositories = (name: string) => join(registry.storage, 'docker/registry/v2/repositories', name)
  const isFirst = !known.has(key)
  if (isFirst) {
    const left = join(outer, `left-${team}`)
    known.set(
      key,
      build(fields).then(async (built) => {
        await cp(repositories(team), left, { recursive: true })
        return { built, left }
      }),
    )
  }
  const { built, left } = await known.get(key)!
  if (!isFirst) await cp(left, repositories(team), { recursive: true })
  return built
}

/** The digest of what a machine makes of these fields that knows nothing of the repository: once a test file. */
function afresh(fields: object): Promise<string> {
  const key = JSON.stringify(fields)
  const digest = digests.get(key) ?? build(fields, { args: ['-o', 'oci:afresh:1'] }).then(({ made }) => made.digest)
  digests.set(key, digest)
  return digest
}
const digests = new Map<string, Promise<string>>()

const hex = (digest: string) => digest.slice('sha256:'.length)
/** Whose bytes were asked for. */
const downloads = (asked: readonly string[]) => asked.filter((line) => /^GET \S+\/blobs\//.test(line))
const writes = (asked: readonly string[]) => asked.filter((line) => /^(POST|PUT|PATCH|DELETE) /.test(line))
const tagsPut = (asked: readonly string[]) =>
  asked.flatMap((line) => /^PUT \S+\/cache\/manifests\/(layer|step|tree)-/.exec(line)?.[1] ?? []).sort()
const warnings = (stderr: string) => stderr.split('\n').filter((line) => line.startsWith('warning:'))

describe('a build of which nothing changed, on another machine', () => {
  it.each(['squash', 'append'])('downloads no layer with layers: %s, and writes nothing', async (layers) => {
    const fields = { steps: [COPY, RUN], layers }
    const first = await build(fields)
    const outlines = layers === 'append' ? ['tree', 'tree', 'tree'] : []
    expect(tagsPut(first.asked)).toEqual(['layer', 'step', ...outlines])
    const second = await build(fields)
    expect(second.stderr).toContain('nothing changed: the layer is from the cache')
    expect(second.made.digest).toBe(first.made.digest)
    const config = (line: string) => line.includes('/library/base/')
    expect(downloads(second.asked).filter((line) => !config(line))).toEqual([])
    // The config of the base.
    expect(downloads(second.asked)).toHaveLength(1)
    expect(writes(second.asked)).toEqual([])
  })

  it.each([
    ['zstd', 'oci'],
    ['none', 'docker'],
  ])('knows a layer of compression %s, with types of %s', async (compression, mediaTypes) => {
    const fields = { steps: [COPY], mediaTypes, compression }
    const first = await build(fields)
    const second = await build(fields)
    expect(second.stderr).toContain('nothing changed')
    expect(second.made).toMatchObject({ digest: first.made.digest, layers: first.made.layers })
  })

  it('mounts the layer where another repository is the target', async () => {
    const first = await buildOnce({ steps: [COPY] })
    const second = await build({ steps: [COPY] }, { args: ['--push', '-t', tag('other'), '--cache-repo', cacheRepo()] })
    expect(second.made.digest).toBe(first.made.digest)
    expect(downloads(second.asked)).toHaveLength(1)
    const [layer] = second.made.layers
    const about = second.asked.filter((line) => line.includes(hex(layer!.digest)))
    expect(about).toContainEqual(
      expect.stringMatching(/^POST \/v2\/team-\d+\/other\/blobs\/uploads\/\?.*mount=.* 201$/),
    )
  })

  it('sends the layer to another registry, by way of its store', async () => {
    const first = await buildOnce({ steps: [COPY] })
    const other = await startRegistry()
    try {
      const args = ['--push', '-t', `${other.host}/x/app:1`, '--cache-repo', cacheRepo()]
      const second = await build({ steps: [COPY] }, { args })
      expect(second.made.digest).toBe(first.made.digest)
      expect(downloads(second.asked)).toHaveLength(2)
      expect(writes(second.asked)).toEqual([])
      // There it is now.
      const third = await build({ steps: [COPY] }, { args })
      expect(downloads(third.asked)).toHaveLength(1)
    } finally {
      await other.stop()
    }
  })

  it('fetches the layer for an output on disk, and knows it next time', async () => {
    const fields = { steps: [COPY, RUN] }
    const first = await buildOnce(fields)
    const cache = await mkdtemp(join(folder, 'store-'))
    const args = ['-o', 'oci:out:1', '--cache-repo', cacheRepo()]
    const second = await build(fields, { args, cache })
    expect(second.made.digest).toBe(first.made.digest)
    expect(downloads(second.asked)).toHaveLength(2)
    const third = await build(fields, { args: ['-o', 'oci:again:1'], cache })
    expect(third.stderr).toContain('nothing changed')
    expect(third.made.digest).toBe(first.made.digest)
  })

  it('searches the layer if it has another credential than the machine that made it', async () => {
    const secret = 'correct-horse-battery-staple'
    await writeFile(join(folder, 'app/token'), secret)
    await build({ steps: [COPY] })
    const found = await build({ steps: [COPY] }, { env: { DEPLOY_TOKEN: secret } })
    expect(found.code).toBe(1)
    expect(found.stderr).toContain('SECRET_FOUND')
    const other = await build({ steps: [COPY] }, { env: { DEPLOY_TOKEN: 'another-token-of-some-length' } })
    expect(other.code).toBe(0)
    expect(downloads(other.asked)).toHaveLength(2)
  })
})

describe('the mark of what a layer was searched for', () => {
  const TOKEN = token('for a deployment')

  it.each<[env: Record<string, string>, isThere: boolean]>([
    [{ DEPLOY_TOKEN: TOKEN }, true],
    [{ DEPLOY_TOKEN: TOKEN, DB_PASSWORD: 'winter-is-coming' }, false],
    [{ DEPLOY_TOKEN: TOKEN, DB_PASSWORD: 'correct-horse-battery-staple' }, false],
  ])('is there for others if nobody can guess any of the values: %j', async (env, isThere) => {
    const first = await build({ steps: [COPY] }, { env })
    expect(tagsPut(first.asked)).toEqual(['layer'])
    const second = await build({ steps: [COPY] }, { env })
    expect(second.made.digest).toBe(first.made.digest)
    // The base's config; and the layer where it has to be searched.
    expect(downloads(second.asked)).toHaveLength(isThere ? 1 : 2)
  })
})

describe('a script whose inputs another machine had', () => {
  const steps = (late: string) => [COPY, RUN, { write: '/late', text: late }]

  it('is not run, and the image is what it is where it was run', async () => {
    const cache = await mkdtemp(join(folder, 'store-'))
    await build({ steps: steps('1') }, { cache })
    const second = await build({ steps: steps('2') })
    expect(second.stderr).toContain('step 2 run: from the cache repository')
    const here = await build({ steps: steps('2') }, { cache, args: ['-o', 'oci:out:1'] })
    expect(here.stderr).toContain('step 2 run: from the cache')
    expect(second.made.digest).toBe(here.made.digest)
    expect(tagsPut(second.asked)).toEqual(['layer'])
  })

  it('is run again with --no-cache, whose result takes the place of the older one', async () => {
    const first = await build({ steps: steps('1') })
    const args = ['--push', '-t', tag(), '--cache-repo', cacheRepo(), '--no-cache']
    const second = await build({ steps: steps('1') }, { args })
    expect(second.asked.filter((line) => /^GET \S+\/cache\//.test(line))).toEqual([])
    expect(second.made.digest).not.toBe(first.made.digest)
    const third = await build({ steps: steps('1') })
    expect(third.made.digest).toBe(second.made.digest)
  })

  it('is run and not kept with cache: false', async () => {
    await writeFile(
      join(folder, 'site.yml'),
      '- { hosts: all, gather_facts: false, tasks: [{ raw: date +%s%N >/srv/chance }] }\n',
    )
    const uncached = [{ ansible: 'site.yml', cache: false }]
    const first = await build({ steps: uncached })
    expect(tagsPut(first.asked)).toEqual([])
    const second = await build({ steps: uncached })
    expect(second.made.digest).not.toBe(first.made.digest)
    expect(second.asked.filter((line) => line.includes('/cache/'))).toEqual([])
  })

  it('is not pushed if its files have what nobody else may have, even if a later step removes them', async () => {
    const secret = 'correct-horse-battery-staple'
    const leaking = [{ run: `printf '%s%s' correct-horse- battery-staple >/srv/left` }, { remove: ['/srv/left'] }]
    const { code, stderr, asked } = await build({ steps: leaking }, { env: { DEPLOY_TOKEN: secret } })
    expect(code).toBe(0)
    expect(warnings(stderr)).toEqual([
      expect.stringMatching(/step 1 \(run\).*not put.*\/srv\/left has the value of DEPLOY_TOKEN/),
    ])
    expect(stderr).not.toContain(secret)
    expect(tagsPut(asked)).toEqual(['layer'])
  })

  it('is not pushed if it has removed what was called as nobody else may know', async () => {
    const secret = 'correct-horse-battery-staple'
    const leaking = [{ run: `>/srv/correct-horse-$(echo battery-staple)` }, { run: 'rm /srv/correct*' }]
    const { code, stderr, asked } = await build({ steps: leaking }, { env: { DEPLOY_TOKEN: secret } })
    expect(code).toBe(0)
    expect(warnings(stderr)).toEqual([
      expect.stringMatching(/step 1 \(run\).*not put/),
      expect.stringMatching(/step 2 \(run\).*not put/),
    ])
    expect(tagsPut(asked)).toEqual(['layer'])
  })
})

describe('what is put there', () => {
  it.each([
    ['--no-push-cache', ['--no-push-cache'], {}],
    ['its variable', [], { OCIBAKE_NO_PUSH_CACHE: '1' }],
  ])('is nothing with %s', async (_, given, env) => {
    const args = ['--push', '-t', tag(), '--cache-repo', cacheRepo(), ...given]
    const { code, asked, stderr } = await build({ steps: [COPY, RUN] }, { args, env })
    expect(code).toBe(0)
    expect(warnings(stderr)).toEqual([])
    expect(asked.filter((line) => line.includes('/cache/') && !line.startsWith('GET '))).toEqual([])
  })

  it('is what an earlier build has left in the store, if the repository does not have it', async () => {
    const cache = await mkdtemp(join(folder, 'store-'))
    await build({ steps: [COPY, RUN] }, { cache, args: ['--push', '-t', tag()] })
    const second = await build(
      { steps: [COPY, RUN] },
      { cache, env: { OCIBAKE_CACHE_REPO: cacheRepo() }, args: ['--push', '-t', tag()] },
    )
    expect(second.stderr).toContain('nothing changed')
    expect(tagsPut(second.asked)).toEqual(['layer', 'step'])
    const third = await build({ steps: [COPY, RUN] }, { cache })
    expect(writes(third.asked)).toEqual([])
  })
})

it('a layer of more warnings than are taken from there is not put there', async () => {
  const cache = await mkdtemp(join(folder, 'store-'))
  await build({ steps: [COPY] }, { cache, args: ['-o', 'oci:known:1'] })
  const store = await Store.open(join(cache, 'store'))
  for (const name of await readdir(storePaths(store.root).records)) {
    const key = `sha256:${name}` as Digest
    const record = (await store.get(key)) as { kind?: string } | undefined
    const warnings = Array.from({ length: 101 }, (_, i) => ({ message: `warning ${i}` }))
    if (record?.kind === 'layer') await store.set(key, { ...record, warnings })
  }
  await store.close()
  const first = await build({ steps: [COPY] }, { cache })
  expect(warnings(first.stderr)).toHaveLength(101)
  expect(tagsPut(first.asked)).toEqual([])
  const second = await build({ steps: [COPY] })
  expect(second.stderr).not.toContain('cannot be used')
})

describe('a cache repository that cannot be used', () => {
  const through = (repo: string) => ['--push', '-t', tag(), '--cache-repo', repo]

  it('costs one warning when nothing listens there', async () => {
    const { code, stderr } = await build(
      { steps: [COPY, RUN] },
      { args: through(`127.0.0.1:${await freePort()}/x/cache`) },
    )
    expect(code).toBe(0)
    expect(warnings(stderr)).toEqual([expect.stringMatching(/^warning: The cache repository .* cannot be read: /)])
  })

  it('costs one warning when it wants a password', async () => {
    const locked = await startRegistry({ auth: 'basic' })
    try {
      const { code, stderr } = await build({ steps: [COPY, RUN] }, { args: through(`${locked.host}/x/cache`) })
      expect(code).toBe(0)
      expect(warnings(stderr)).toHaveLength(1)
    } finally {
      await locked.stop()
    }
  })

  it.each(['x/cache:1', `x/cache@sha256:${'0'.repeat(64)}`, 'Cache', ''])('is refused as %j', async (name) => {
    const { code, stderr, asked } = await build(
      { steps: [COPY] },
      { args: through(name && `${registry.host}/${name}`) },
    )
    expect(code).toBe(2)
    expect(stderr).toMatch(/USAGE[\s\S]*--cache-repo/)
    expect(asked).toEqual([])
  })

  it('costs one warning when nothing may be put there', async () => {
    const readable = await startRegistry({ auth: 'token', anonymousPull: true })
    try {
      const env: Record<string, string> = readable.caFile === undefined ? {} : { NODE_EXTRA_CA_CERTS: readable.caFile }
      const { code, stderr } = await build({ steps: [COPY, RUN] }, { args: through(`${readable.host}/x/cache`), env })
      expect(code).toBe(0)
      expect(warnings(stderr)).toEqual([
        expect.stringMatching(/^warning: Nothing more is put into the cache repository /),
      ])
    } finally {
      await readable.stop()
    }
  })

  it('costs one warning when nobody can tell where it is', async () => {
    await writeFile(join(folder, 'registries.conf'), '[[registry]\n')
    const { code, stderr } = await build(
      { from: `oci:${layout}:base`, steps: [COPY] },
      {
        args: ['-o', 'oci:out:1', '--cache-repo', cacheRepo()],
        env: { CONTAINERS_REGISTRIES_CONF: join(folder, 'registries.conf') },
      },
    )
    expect(code).toBe(0)
    expect(warnings(stderr)).toEqual([expect.stringMatching(/cannot be read: .*registries\.conf/)])
  })

  it('costs one warning when it does not answer', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    try {
      const { port } = silent.address() as AddressInfo
      const { code, stderr } = await build({ steps: [COPY, RUN] }, { args: through(`127.0.0.1:${port}/x/cache`) })
      expect(code).toBe(0)
      expect(warnings(stderr)).toEqual([expect.stringMatching(/ did nothing for 10 seconds\.$/)])
      const under = ['timeout', '--preserve-status', '-s', 'INT', '3']
      const interrupted = await build({ steps: [COPY] }, { args: through(`127.0.0.1:${port}/x/cache`), under })
      expect(interrupted.code).toBe(130)
      expect(warnings(interrupted.stderr)).toEqual([])
    } finally {
      silent.close()
    }
  })
})

/** An outline without texts; the tree of one with a hard link `a` to what no layer has, `b`. */
const TEXTS = Buffer.from([2, 0, 0, 0, 0x7b, 0x7d])
const LOST_LINK = writeTree(directory(new Map([['a', { kind: 'link', target: 'b' }]]), FRESH_DIRECTORY))

describe('one more layer over a base that the store does not know', () => {
  const append = (steps: object[], choice: Choice = {}) => build({ steps, layers: 'append' }, choice)
  const ofBase = (asked: readonly string[]) => asked.filter((line) => /^GET \S+\/library\/base\/blobs\//.test(line))
  /** Leaves outlines of the base in the repository. */
  const outlined = async () => {
    const { asked } = await buildOnce({ steps: [{ write: '/first', text: '1' }], layers: 'append' })
    expect(tagsPut(asked)).toEqual(['layer', 'tree', 'tree', 'tree'])
  }
  const appendedAfresh = (steps: object[]) => afresh({ steps, layers: 'append' })

  it.each<[what: string, steps: object[]]>([
    ['new files in its folders', [{ write: '/lib/new.conf', text: 'a', owner: '65100:65100' }, COPY]],
    ['links and deletions', [{ link: '/srv/link', target: 'one' }, { remove: ['/srv/rep*', '/bin/ln'] }]],
    [
      'empty files',
      [
        { write: '/srv/empty', text: '' },
        { write: '/srv/able', text: '' },
      ],
    ],
    [
      'names of its accounts',
      [
        { write: '/srv/new', text: 'a' },
        { own: '/srv/new', by: 'core:core' },
      ],
    ],
    ['owners of its folders', [{ own: '/tmp', by: '65100:65100', recursive: false }]],
  ])('is made of %s without anything of it', async (_, steps) => {
    await outlined()
    const digest = await appendedAfresh(steps)
    const { made, asked, stderr } = await append(steps)
    expect(made.digest).toBe(digest)
    expect(warnings(stderr)).toEqual([])
    // Its config.
    expect(ofBase(asked)).toHaveLength(1)
    expect(tagsPut(asked)).toEqual(['layer'])
  })

  it.each<[what: string, steps: object[]]>([
    ['attributes of its files', [{ chmod: '/srv/one', mode: '0600' }]],
    ['a script', [{ run: 'cat /srv/one >/srv/two' }]],
    ['what moves a hard link', [{ remove: ['/srv/the-same'] }]],
  ])('is made of %s with its files, once they are needed', async (_, steps) => {
    await outlined()
    const digest = await appendedAfresh(steps)
    const { made, asked, code, stderr } = await append(steps)
    expect({ code, digest: made.digest }).toEqual({ code: 0, digest })
    expect(warnings(stderr)).toEqual([])
    expect(ofBase(asked).length).toBeGreaterThan(1)
  })

  it('warns once when it turns out that files of the base are needed', async () => {
    await outlined()
    const server = createServer().listen(join(folder, 'app/socket'))
    await once(server, 'listening')
    try {
      const { stderr } = await append([COPY, { chmod: '/srv/one', mode: '0600' }])
      expect(stderr).toContain('starts again')
      expect(warnings(stderr)).toEqual([expect.stringMatching(/app\/socket is a socket and was left out/)])
    } finally {
      server.close()
    }
  })

  it('is made of what a script did on another machine without its files', async () => {
    await outlined()
    const script = { run: 'echo a >/srv/a; mv /srv/one /srv/moved; chmod 700 /tmp' }
    await append([script])
    const steps = [script, { write: '/late', text: '1' }]
    const { made, asked, stderr } = await append(steps)
    expect(stderr).toContain('from the cache repository')
    expect(made.digest).toBe(await appendedAfresh(steps))
    expect(ofBase(asked)).toHaveLength(1 + 3)
  })

  it('is made of the base itself for an output on disk', async () => {
    await outlined()
    const steps = [{ write: '/late', text: '1' }]
    const { made, asked } = await append(steps, { args: ['-o', 'oci:out:1', '--cache-repo', cacheRepo()] })
    expect(made.digest).toBe(await appendedAfresh(steps))
    expect(ofBase(asked)).toHaveLength(1 + 3)
  })

  it.each<[what: string, bytes: Buffer]>([
    ['no gzip', Buffer.from('{}')],
    ['no tree', gzipSync(Buffer.concat([TEXTS, Buffer.alloc(3)]))],
    ['of a link to nothing', gzipSync(Buffer.concat([TEXTS, LOST_LINK]))],
    ['too much', gzipSync(Buffer.alloc(300 << 20, ' '))],
  ])('is made of the base itself where an outline is %s', async (_, bytes) => {
    await outlined()
    const repo = `${registry.url}/v2/${team}/app/cache`
    const { tags } = (await (await fetch(`${repo}/tags/list`)).json()) as { tags: string[] }
    const opened = await fetch(`${repo}/blobs/uploads/`, { method: 'POST' })
    const location = new URL(opened.headers.get('location')!)
    location.searchParams.set('digest', digestOf(bytes))
    expect((await fetch(location, { method: 'PUT', body: new Uint8Array(bytes) })).status).toBe(201)
    const headers = { Accept: MANIFEST, 'Content-Type': MANIFEST }
    for (const name of tags.filter((one) => one.startsWith('tree-'))) {
      const manifest = JSON.parse(await (await fetch(`${repo}/manifests/${name}`, { headers })).text())
      manifest.layers = [{ ...manifest.layers[0], digest: digestOf(bytes), size: bytes.length }]
      const body = JSON.stringify(manifest)
      expect((await fetch(`${repo}/manifests/${name}`, { method: 'PUT', headers, body })).status).toBe(201)
    }
    const steps = [{ write: '/late', text: '1' }]
    const digest = await appendedAfresh(steps)
    const { made, stderr, asked } = await append(steps)
    expect(made.digest).toBe(digest)
    expect(warnings(stderr)).toEqual([expect.stringMatching(/cannot be used/)])
    expect(tagsPut(asked)).toEqual(['layer', 'tree', 'tree', 'tree'])
  })
})

it('registries with tokens are asked for those of each repository, by the same login', async () => {
  const locked = await startRegistry({ auth: 'token' })
  try {
    const auth = Buffer.from(`${REGISTRY_USER.username}:${REGISTRY_USER.password}`).toString('base64')
    const env = {
      DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { [locked.host]: { auth } } }),
      ...(locked.caFile && { NODE_EXTRA_CA_CERTS: locked.caFile }),
    }
    const args = ['--push', '-t', `${locked.host}/team/app:1`, '--cache-repo', `${locked.host}/team/cache`]
    const first = await build({ steps: [COPY, RUN] }, { args, env })
    expect(first).toMatchObject({ code: 0 })
    expect(warnings(first.stderr)).toEqual([])
    const before = (await locked.requests()).length
    const second = await build({ steps: [COPY, RUN] }, { args, env })
    expect(second.stderr).toContain('nothing changed')
    expect(second.made.digest).toBe(first.made.digest)
    const asked = (await locked.requests()).slice(before).filter((line) => line.endsWith(' 200'))
    // A password like this one could be guessed: the layer is searched for it once more.
    expect(downloads(asked)).toEqual([expect.stringContaining(hex(first.made.layers[0]!.digest))])
    expect(writes(asked)).toEqual([])
  } finally {
    await locked.stop()
  }
})

describe('several builds', () => {
  it('of one command tell once that the repository does not answer', async () => {
    await writeFile(join(folder, 'other.spec.json'), JSON.stringify({ from: 'scratch', steps: [COPY] }))
    const gone = `127.0.0.1:${await freePort()}/x/cache`
    const { code, stderr } = await build({ steps: [COPY] }, { args: ['other.spec.json', '--cache-repo', gone] })
    expect(code).toBe(0)
    expect(warnings(stderr)).toHaveLength(1)
  })

  it('of several platforms do not take each other for the same', async () => {
    const fields = { from: 'scratch', steps: [COPY], layers: 'append' }
    const on = (platform: string) => ({
      args: ['--platform', platform, '-o', 'oci:out:1', '--cache-repo', cacheRepo()],
    })
    const [amd, arm] = [await build(fields, on('linux/amd64')), await build(fields, on('linux/arm64'))]
    expect(arm.stderr).not.toContain('nothing changed')
    expect(tagsPut(arm.asked)).toEqual(['layer'])
    const again = await build(fields, on('linux/amd64'))
    expect(again.stderr).toContain('nothing changed')
    expect(again.made.digest).toBe(amd.made.digest)
    expect(again.made.digest).not.toBe(arm.made.digest)
  })
})

it('what was pruned from the store is taken from the repository', async () => {
  const cache = await mkdtemp(join(folder, 'store-'))
  const first = await build({ steps: [COPY, RUN] }, { cache })
  expect((await runCli(['cache', 'prune', '--max-size', '0'], { cache })).code).toBe(0)
  const second = await build({ steps: [COPY, RUN] }, { cache })
  expect(second.stderr).toContain('nothing changed')
  expect(second.made.digest).toBe(first.made.digest)
})

describe('what somebody else has put into the cache repository', () => {
  const url = (rest: string) => `${registry.url}/v2/${team}/app/cache/${rest}`
  const OCI = { 'Content-Type': MANIFEST }
  const tags = async () => ((await (await fetch(url('tags/list'))).json()) as { tags: string[] }).tags
  const tagOf = async (kind: string) => (await tags()).find((name) => name.startsWith(kind))!
  const read = async (name: string) =>
    await (await fetch(url(`manifests/${name}`), { headers: { Accept: OCI['Content-Type'] } })).text()
  const write = async (name: string, manifest: string) => {
    const { status } = await fetch(url(`manifests/${name}`), { method: 'PUT', headers: OCI, body: manifest })
    expect(status).toBe(201)
  }
  /** Puts another document into the manifest of a kind; what it is about stays. */
  const forge = async (kind: string, change: (document: string) => string) => {
    const name = await tagOf(kind)
    const manifest = JSON.parse(await read(name))
    const document = change(manifest.annotations['vnd.ocibake.document'])
    const digest = digestOf(document)
    const opened = await fetch(url('blobs/uploads/'), { method: 'POST' })
    const location = new URL(opened.headers.get('location')!)
    location.searchParams.set('digest', digest)
    expect((await fetch(location, { method: 'PUT', body: document })).status).toBe(201)
    manifest.annotations['vnd.ocibake.document'] = document
    manifest.config = { ...manifest.config, digest, size: Buffer.byteLength(document) }
    await write(name, JSON.stringify(manifest))
  }
  const steps = [COPY, { run: 'echo a >/srv/a' }]
  const onDisk = () => ({ args: ['-o', 'oci:out:1', '--cache-repo', cacheRepo()] })

  it.each<[what: string, change: (text: string) => string, why: RegExp]>([
    ['of another key', (text) => text.replace(/"key":"sha256:./, '"key":"sha256:z'), /key/],
    [
      'of another layer key',
      (text) => text.replace(/"key":"sha256:[0-9a-f]{64}/, `"key":"sha256:${'0'.repeat(64)}`),
      /wanted sha256/,
    ],
    ['that is no JSON', () => '{"key', /is not JSON/],
    ['without a record', (text) => JSON.stringify({ key: JSON.parse(text).key, record: [] }), /record/],
    [
      'with another digest',
      (text) => text.replace(/"digest":"sha256:[0-9a-f]{64}/, `"digest":"sha256:${'0'.repeat(64)}`),
      /layer/,
    ],
    [
      'with a time that no calendar has',
      (text) => text.replace(/"created":[0-9]+/, '"created":9007199254740991'),
      /created/,
    ],
    [
      'with another diffId',
      (text) => text.replace(/"diffId":"sha256:[0-9a-f]{64}/, `"diffId":"sha256:${'0'.repeat(64)}`),
      /unpacks to/,
    ],
  ])('a record %s is refused with one warning, and replaced', async (_, change, why) => {
    await buildOnce({ steps })
    await forge('layer', change)
    const digest = await afresh({ steps })
    const second = await build({ steps }, onDisk())
    expect(second).toMatchObject({ code: 0, made: { digest } })
    expect(warnings(second.stderr)).toEqual([expect.stringMatching(why)])
    expect(tagsPut(second.asked)).toEqual(['layer'])
    const third = await build({ steps }, onDisk())
    expect(third.stderr).toContain('nothing changed')
    expect(warnings(third.stderr)).toEqual([])
  })

  it('a record is not believed because the store has the blob that it names', async () => {
    const cache = await mkdtemp(join(folder, 'store-'))
    await build({ steps: [COPY] }, { cache, args: ['-o', 'oci:known:1'] })
    // Another key, the same layer.
    const fields = { steps: [COPY], allowSecrets: ['/nothing'] }
    const { made } = await build(fields)
    await forge('layer', (text) => text.replace(/"diffId":"sha256:[0-9a-f]{64}/, `"diffId":"sha256:${'0'.repeat(64)}`))
    const second = await build(fields, { ...onDisk(), cache })
    expect(second).toMatchObject({ code: 0, made: { digest: made.digest } })
    expect(warnings(second.stderr)).toEqual([expect.stringMatching(/unpacks to/)])
  })

  it('a manifest that is none of ours is no result', async () => {
    await buildOnce({ steps })
    await write(await tagOf('step'), await read(await tagOf('layer')))
    const second = await build({ steps: [...steps, { write: '/late', text: '1' }] })
    expect(second.code).toBe(0)
    expect(second.stderr).toContain('step 2 run: first build here')
    expect(warnings(second.stderr)).toHaveLength(1)
  })

  it('a delta of another tree is no result', async () => {
    await build({ steps: [{ run: 'mv /srv/one /srv/moved' }] })
    const other = await tagOf('step')
    const { layers, annotations } = JSON.parse(await read(other))
    const { diffId } = JSON.parse(annotations['vnd.ocibake.document']).record
    await fetch(url(`manifests/${other}`), { method: 'DELETE' })
    team = `${team}-b`
    const removing = [{ remove: ['/srv/one', '/srv/the-same'] }, { run: 'echo a >/srv/a' }]
    await build({ steps: removing })
    const name = await tagOf('step')
    const from = team.slice(0, -2)
    const mounted = await fetch(url(`blobs/uploads/?mount=${layers[0].digest}&from=${from}/app/cache`), {
      method: 'POST',
    })
    expect(mounted.status).toBe(201)
    const manifest = JSON.parse(await read(name))
    await write(name, JSON.stringify({ ...manifest, layers }))
    await forge('step', (text) => text.replace(/"diffId":"sha256:[0-9a-f]{64}"/, `"diffId":"${diffId}"`))
    const second = await build({ steps: [...removing, { write: '/late', text: '1' }] })
    expect(second.code).toBe(0)
    expect(second.stderr).toContain('step 2 run: first build here')
    expect(warnings(second.stderr)).toEqual([expect.stringMatching(/which the image does not have/)])
  })

  it('a layer that is not there any more is made again', async () => {
    const first = await buildOnce({ steps })
    const digest = first.made.layers[0]!.digest
    expect((await fetch(url(`blobs/${digest}`), { method: 'DELETE' })).status).toBe(202)
    const second = await build({ steps }, onDisk())
    expect(second).toMatchObject({ code: 0, made: { digest: await afresh({ steps }) } })
    expect(warnings(second.stderr)).toEqual([expect.stringMatching(/keeps cannot be used/)])
    expect(tagsPut(second.asked)).toEqual(['layer'])
    expect((await build({ steps }, onDisk())).stderr).toContain('nothing changed')
  })

  it('a warning that was made up is shown as text', async () => {
    await buildOnce({ steps })
    await forge('layer', (text) =>
      text.replace('"warnings":[]', '"warnings":[{"message":"\\u001b[2Jgone\\nerror: fake"}]'),
    )
    const second = await build({ steps })
    expect(warnings(second.stderr)).toEqual(['warning:  [2Jgone error: fake'])
  })
})
