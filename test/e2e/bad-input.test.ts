/** Input that cannot be built: what is said, with which exit code, and that nothing half-written stays. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Bakery } from '../support/bakery.ts'
import { startRegistry, type TestRegistry } from '../support/registry.ts'
import { skopeoCopy, tool } from '../support/skopeo.ts'
import { type Member, tarArchive } from '../support/tar-archive.ts'

const GOOD = { steps: [{ write: '/etc/motd', text: 'fresh bread\n' }, { run: 'test -f /etc/motd' }] }

let bakery: Bakery
let registry: TestRegistry
let closed: TestRegistry
let goodDigest = ''

const secretAuth = (user: string, password: string) => Buffer.from(`${user}:${password}`).toString('base64')

beforeAll(async () => {
  bakery = await Bakery.open()
  ;[registry, closed] = [await startRegistry(), await startRegistry({ auth: 'basic' })]
  const plain = '--dest-tls-verify=false'
  await skopeoCopy(bakery.base, `docker://${registry.host}/good:1`, plain)
  goodDigest = await bakery.buildHere({ from: bakery.base, ...GOOD }, 'oci:good:1')
}, 60_000)

afterAll(async () => {
  await Promise.all([registry?.stop(), closed?.stop()])
  await bakery?.close()
})

interface Refusal {
  readonly code: number
  readonly says: readonly (string | RegExp)[]
  readonly cache?: string
}

/** Builds and pushes what cannot be built, and looks that nothing came of it. @returns what was said */
async function refused(fields: object, { code, says, cache = bakery.cache }: Refusal) {
  const tags = [`${registry.host}/app:1`]
  const result = await bakery.build({ tags, ...fields }, ['--push', '-o', 'oci:out:1', '-o', 'rootfs:root.tar'], {
    cache,
  })
  expect({ code: result.code, stdout: result.stdout }, result.stderr).toEqual({ code, stdout: '' })
  for (const one of says) expect(result.stderr).toMatch(one)
  expect(result.stderr, 'what to do').toMatch(/\n {2}-> \S/)
  expect(result.stderr, 'a stack').not.toContain('\n    at ')
  await bakery.expectNothingLeft(['out', 'root.tar'], cache)
  expect(existsSync(join(registry.storage, 'docker/registry/v2/repositories/app'))).toBe(false)
  return result.stderr
}

afterEach(async () => {
  expect(await bakery.buildHere({ from: bakery.base, ...GOOD }, 'oci:good:1')).toBe(goodDigest)
})

describe('a base', () => {
  const CONFIG = 'application/vnd.oci.image.config.v1+json'
  const small = (mediaType: string) => ({ mediaType, digest: `sha256:${'0'.repeat(64)}`, size: 2 })

  it('that the registry does not have', async () => {
    const says = [/^BASE_NOT_FOUND\n/m, `${registry.host}/good:2`]
    await refused({ from: `${registry.host}/good:2` }, { code: 1, says })
  })

  it('whose layout does not exist, or has not that tag', async () => {
    await refused({ from: 'oci:nowhere' }, { code: 1, says: [/^BASE_NOT_FOUND\n/m, 'nowhere'] })
    await refused({ from: 'oci:base:2' }, { code: 1, says: [/^BASE_NOT_FOUND\n/m, "'2'", "'base'"] })
  })

  it('for which there are no credentials, or wrong ones', async () => {
    const from = `${closed.host}/good:1`
    await refused({ from }, { code: 3, says: [/^REGISTRY_UNAUTHORIZED\n/m, closed.host, 'no credentials are known'] })
    const auth = secretAuth('baker', 'sour & stale')
    writeFileSync(bakery.at('cache/auth.json'), JSON.stringify({ auths: { [closed.host]: { auth } } }))
    const tried = await bakery.build({ from }, undefined, { env: { REGISTRY_AUTH_FILE: bakery.at('cache/auth.json') } })
    expect(tried.code).toBe(3)
    expect(tried.stderr).toMatch(/^REGISTRY_UNAUTHORIZED\n/m)
    expect(tried.stderr).toContain("as 'baker'")
    expect(tried.stderr).not.toContain('stale')
    expect(tried.stderr).not.toContain(auth)
  })

  it.each<[string, (path: string) => void]>([
    ['cut short', (path) => truncateSync(path, 5)],
    ['altered', alter],
  ])('of which the registry has a layer that is %s', async (how, damage) => {
    const from = `${registry.host}/good:1`
    const raw = await tool('skopeo', ['inspect', '--raw', '--tls-verify=false', `docker://${from}`])
    const { digest } = JSON.parse(raw).layers[0]
    const data = join(registry.storage, 'docker/registry/v2/blobs/sha256', digest.slice(7, 9), digest.slice(7), 'data')
    const whole = readFileSync(data)
    const cache = bakery.at(`cache ${how}`)
    damage(data)
    try {
      await refused({ from }, { code: 1, says: [/^BLOB_MISMATCH(?: {2}the base \S+, layer \S+)?\n/m, digest], cache })
    } finally {
      writeFileSync(data, whole)
    }
    expect(await bakery.buildHere({ from, ...GOOD }, 'oci:good:1', cache)).toMatch(/^sha256:/)
  })

  it.each(['manifest', 'config', 'layer'])('in a layout with one changed byte in its %s', async (part) => {
    cpSync(bakery.at('base'), bakery.at(`damaged-${part}`), { recursive: true })
    const blob = (digest: string) => bakery.at(`damaged-${part}/blobs/sha256/${digest.slice(7)}`)
    const index = JSON.parse(readFileSync(bakery.at('base/index.json'), 'utf8'))
    const manifest = JSON.parse(readFileSync(blob(index.manifests[0].digest), 'utf8'))
    const digests: Record<string, string> = {
      manifest: index.manifests[0].digest,
      config: manifest.config.digest,
      layer: manifest.layers[1].digest,
    }
    alter(blob(digests[part]!))
    // Nothing of it may come out of the cache, which has the good ones by now.
    const cache = bakery.at(`cache ${part}`)
    await refused(
      { from: `oci:damaged-${part}:base` },
      { code: 1, says: [/^BLOB_MISMATCH(?: {2}the base \S+, layer \S+)?\n/m, digests[part]!], cache },
    )
    expect(await bakery.buildHere({ from: bakery.base, ...GOOD }, 'oci:good:1', cache)).toBe(goodDigest)
  })

  it.each([
    ['a Helm chart', { config: small('application/vnd.cncf.helm.config.v1+json'), layers: [] }],
    [
      'an encrypted layer',
      { config: small(CONFIG), layers: [small('application/vnd.oci.image.layer.v1.tar+encrypted')] },
    ],
    ['schema 1', { schemaVersion: 1, name: 'a', tag: 'b', fsLayers: [] }],
  ])('whose manifest is of a kind that is not read: %s', async (_, document) => {
    cpSync(bakery.at('base'), bakery.at('unknown'), { recursive: true })
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, ...document }))
    const hex = createHash('sha256').update(bytes).digest('hex')
    writeFileSync(bakery.at(`unknown/blobs/sha256/${hex}`), bytes)
    const entry = {
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      digest: `sha256:${hex}`,
      size: bytes.length,
      annotations: { 'org.opencontainers.image.ref.name': 'odd' },
    }
    writeFileSync(bakery.at('unknown/index.json'), JSON.stringify({ schemaVersion: 2, manifests: [entry] }))
    await refused({ from: 'oci:unknown:odd' }, { code: 1, says: [/^MANIFEST_UNSUPPORTED\n/m] })
  })
})

function alter(path: string): void {
  const bytes = readFileSync(path)
  const at = Math.floor(bytes.length / 2)
  bytes[at] = bytes[at]! ^ 1
  writeFileSync(path, bytes)
}

describe('a tarball', () => {
  const tarball = (name: string, members: readonly Member[]) => {
    writeFileSync(bakery.at(name), tarArchive(members))
    return name
  }
  const unpack = (step: object) => ({ from: bakery.base, steps: [...GOOD.steps, { ...step, to: '/opt' }] })
  const where = /^[A-Z_]+ {2}app\.spec\.json, step 3 \(unpack\)\n/m

  it('of which the wildcards match nothing', async () => {
    const name = tarball('app.tar', [{ name: 'app-1/bin/app' }, { name: 'app-1/doc' }])
    const says = [where, 'UNPACK_NOTHING_MATCHED', 'app.tar', "'*/files'", '2 members', "'app-1/bin/app'"]
    await refused(unpack({ unpack: name, wildcards: ['*/files'] }), { code: 1, says })
  })

  it('with another sha256', async () => {
    const name = tarball('app.tar', [{ name: 'app' }])
    const got = createHash('sha256')
      .update(readFileSync(bakery.at(name)))
      .digest('hex')
    const sha256 = 'ab'.repeat(32)
    await refused(unpack({ unpack: name, sha256 }), { code: 1, says: [where, 'CHECKSUM_MISMATCH', got, sha256] })
  })

  it('that does not exist, is a page of a web server, or ends too early', async () => {
    await refused(unpack({ unpack: 'no.tar' }), { code: 1, says: [where, 'COPY_NOT_FOUND', 'no.tar'] })
    writeFileSync(bakery.at('page.tar.gz'), '<!doctype html><title>Sign in</title>')
    await refused(unpack({ unpack: 'page.tar.gz' }), { code: 1, says: [where, 'ARCHIVE_INVALID', 'page.tar.gz'] })
    tarball('cut.tar', [{ name: 'one', content: 'x'.repeat(5000) }])
    truncateSync(bakery.at('cut.tar'), 2000)
    await refused(unpack({ unpack: 'cut.tar' }), { code: 1, says: [where, 'ARCHIVE_INVALID', 'cut.tar'] })
  })

  it.each<[string, readonly Member[]]>([
    ['..', [{ name: '../../etc/passwd', content: 'x' }]],
    ['.. behind what is stripped', [{ name: 'a/../../b', content: 'x' }]],
    [
      'a symlink that leads out, and a file through it',
      [
        { name: 'out', type: 'symlink', target: '../..' },
        { name: 'out/etc/passwd', content: 'x' },
      ],
    ],
    [
      'an absolute symlink, and a file through it',
      [
        { name: 'out', type: 'symlink', target: '/etc' },
        { name: 'out/passwd', content: 'x' },
      ],
    ],
    ['a hard link that leads out', [{ name: 'hard', type: 'link', target: '../../../etc/shadow' }]],
    ['a name that means a deletion', [{ name: 'etc/.wh.passwd' }]],
  ])('with %s', async (_, members) => {
    const name = tarball('evil.tar', [{ name: 'fine', content: 'fine' }, ...members])
    await refused(unpack({ unpack: name }), { code: 1, says: [where, /ARCHIVE_(UNSAFE|INVALID)/, 'evil.tar'] })
  })

  it('keeps names as bytes and takes absolute ones for relative, as GNU tar does', async () => {
    const members: Member[] = [
      { name: '/abs/path', content: 'absolute' },
      { name: 'new\nline', content: '1' },
      { name: 'tab\there', content: '2' },
      { name: Buffer.from('inv\xe4lid\xff', 'latin1'), content: '3' },
      { name: 'ünïcode', content: '4' },
      { name: 'back\\slash', content: '5' },
      { name: '-rf', content: '6' },
      { name: Buffer.from('d\xfe/\n', 'latin1'), content: '7' },
      { name: 'link', type: 'symlink', target: Buffer.from('t\xe4rget\n', 'latin1') },
    ]
    const name = tarball('names.tar', members)
    const built = await bakery.build({ steps: [{ unpack: name, to: '/' }] }, ['-o', 'oci:names:1'])
    expect(built.code, built.stderr).toBe(0)
    const wanted = listedByTar(readFileSync(bakery.at(name))).map((line) => line.replace(/^\//, ''))
    expect(wanted).toHaveLength(members.length)
    expect(listedByTar(layerOf('names')).sort()).toEqual(wanted.sort())
  })

  /** The names and link targets in an archive that are no folders, bytes as octal. */
  function listedByTar(archive: Buffer): string[] {
    const options = ['--list', '--verbose', '--absolute-names', '--quoting-style=escape', '--numeric-owner']
    const listing = execFileSync('tar', options, { input: archive, env: { LC_ALL: 'C', PATH: process.env.PATH } })
    return listing
      .toString('latin1')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('d'))
      .map((line) => line.replace(/^(?:\S+\s+){5}/, ''))
      .sort()
  }

  function layerOf(layout: string): Buffer {
    const read = (digest: string) => readFileSync(bakery.at(`${layout}/blobs/sha256/${digest.slice(7)}`))
    const index = JSON.parse(readFileSync(bakery.at(`${layout}/index.json`), 'utf8'))
    const manifest = JSON.parse(read(index.manifests[0].digest).toString())
    return gunzipSync(read(manifest.layers[0].digest))
  }
})

describe('a script', () => {
  const where = /^[A-Z_]+ {2}app\.spec\.json, step 2 \(run\)\n/m
  const script = (run: string[], more: object = {}) => ({
    from: bakery.base,
    steps: [
      { write: '/etc/motd', text: 'x' },
      { run, ...more },
    ],
  })
  const logIn = (said: string) => readFileSync(/-> The whole output: (\/.*)$/m.exec(said)![1]!, 'utf8')

  it('that fails: the command, the exit code, the last lines, the whole log', async () => {
    const lines = [
      'i=0',
      'while [ $i -lt 50 ]; do i=$((i+1)); echo "line $i"; done',
      'echo no flour >&2',
      'false',
      'echo never',
    ]
    const says = [
      where,
      /^RUN_FAILED {2}/m,
      "echo never' ended with exit code 1",
      /said last:\n {4}line 32\n/,
      /\n {4}no flour\n/,
    ]
    const said = await refused(script(lines), { code: 1, says })
    expect(said).not.toContain('    line 31\n')
    expect(said).not.toContain('| never')
    expect(logIn(said)).toBe(`${Array.from({ length: 50 }, (_, i) => `line ${i + 1}\n`).join('')}no flour\n`)
  })

  it('that is killed, and one that cannot be started', async () => {
    await refused(script(['kill -SEGV $$']), { code: 1, says: [where, 'was ended by SIGSEGV'] })
    await refused(script(['x'], { shell: ['/bin/bash'] }), { code: 1, says: [where, 'RUN_FAILED', '/bin/bash'] })
  })

  it('that is still running when its time is up', async () => {
    const lines = ['/bin/busybox setsid /bin/busybox sleep 4321 &', 'echo kneading', '/bin/busybox sleep 4321']
    const says = [where, 'RUN_TIMEOUT', 'after 3 s', /said last:\n {4}kneading\n/]
    expect(logIn(await refused(script(lines, { timeout: '3s' }), { code: 1, says }))).toBe('kneading\n')
  })

  it('whose user, folder or secret is not there', async () => {
    await refused(script(['true'], { user: 'nobody-here' }), { code: 1, says: [where, 'ACCOUNT_UNKNOWN'] })
    await refused(script(['true'], { workdir: '/nowhere' }), { code: 1, says: [where, '/nowhere'] })
    const secrets = [{ id: 'x', source: 'file:no-secret' }]
    await refused(script(['true'], { secrets }), { code: 2, says: [where, 'USAGE', 'no-secret'] })
  })
})
