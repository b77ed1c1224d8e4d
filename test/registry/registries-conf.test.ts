import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { digestOf } from '../../src/oci/digest.ts'
import { formatReference, parseReference } from '../../src/oci/reference.ts'
import { mirroredSource } from '../../src/registry/mirrored.ts'
import { ownPlace, parseMirror, placesFor } from '../../src/registry/mirrors.ts'
import { parseRegistriesConf } from '../../src/registry/parse-registries-conf.ts'
import { pushImage } from '../../src/registry/push.ts'
import { helpersLookup, registriesConf, registriesLookup } from '../../src/registry/registries-conf.ts'
import { runCli } from '../support/cli.ts'
import { testFolder } from '../support/folder.ts'
import { freePort, type RegistryOptions, startRegistry } from '../support/registry.ts'
import { knowsUser, memoryImage, testConnection } from '../support/registry-image.ts'

const { signal } = new AbortController()
const DIGEST = digestOf('x')

/** The example of containers-registries.conf(5), and what its other paragraphs describe. */
const CONF = `
unqualified-search-registries = ["example.com"]
[aliases]
"registry" = "docker.io/library/registry"
[[registry]]
prefix = "example.com/foo"
location = "internal.example.net/bar/"
[[registry.mirror]]
location = "mirror-0.local/mirror-for-foo"
[[registry.mirror]]
location = "mirror-1.local:5000/mirrors/foo"
insecure = true
[[registry]]
location = "registry.com"
[[registry.mirror]]
location = "mirror.registry.com"
[[registry]]
prefix = "example.com/foo/one:1"
location = "pinned.local/one:1"
[[registry]]
prefix = "*.wild.com"
insecure = true
[[registry]]
prefix = "xy.wild.com"
location = "moved.local"
[[registry]]
location = "some.com"
mirror = [
  { location = "d.local", pull-from-mirror = "digest-only" },
  { location = "t.local", pull-from-mirror = "tag-only" },
  { location = "a.local", pull-from-mirror = "all" }]
[[registry]]
location = "by.com"
mirror-by-digest-only = true
mirror = [{ location = "d.local" }]
[[registry]]
location = "off.com"
blocked = true
mirror = [{ location = "m.local" }, { location = "off.com/again" }]
[[registry]]
location = "gone.com"
blocked = true
[[registry]]
prefix = "to-gone.com"
location = "gone.com/x"
`

const shown = (places: ReturnType<typeof placesFor>) =>
  places.map(({ reference, isInsecure }) => `${formatReference(reference)}${isInsecure ? ' insecure' : ''}`)

test.each([
  [
    'example.com/foo/image',
    [
      'mirror-0.local/mirror-for-foo/image:latest',
      'mirror-1.local:5000/mirrors/foo/image:latest insecure',
      'internal.example.net/bar/image:latest',
    ],
  ],
  ['example.com/food/image:1', ['example.com/food/image:1']],
  ['example.com:5000/foo/image:1', ['example.com:5000/foo/image:1']],
  [
    'example.com/foo/one:2',
    [
      'mirror-0.local/mirror-for-foo/one:2',
      'mirror-1.local:5000/mirrors/foo/one:2 insecure',
      'internal.example.net/bar/one:2',
    ],
  ],
  ['example.com/foo/one:1', ['pinned.local/one:1']],
  ['registry.com/image:1', ['mirror.registry.com/image:1', 'registry.com/image:1']],
  ['a.b.wild.com/x:1', ['a.b.wild.com/x:1 insecure']],
  ['a.wild.com:5000/x:1', ['a.wild.com:5000/x:1 insecure']],
  ['wild.com/x:1', ['wild.com/x:1']],
  ['a.wild.com.evil.io/x:1', ['a.wild.com.evil.io/x:1']],
  ['xy.wild.com/x:1', ['moved.local/x:1']],
  ['some.com/x:1', ['t.local/x:1', 'a.local/x:1', 'some.com/x:1']],
  [`some.com/x@${DIGEST}`, [`d.local/x@${DIGEST}`, `a.local/x@${DIGEST}`, `some.com/x@${DIGEST}`]],
  [`some.com/x:1@${DIGEST}`, [`d.local/x:1@${DIGEST}`, `a.local/x:1@${DIGEST}`, `some.com/x:1@${DIGEST}`]],
  ['by.com/x:1', ['by.com/x:1']],
  [`by.com/x@${DIGEST}`, [`d.local/x@${DIGEST}`, `by.com/x@${DIGEST}`]],
  ['off.com/x:1', ['m.local/x:1']],
])('%s is pulled from %j', async (name, places) => {
  const { tables } = await parseRegistriesConf(CONF, 'f')
  expect(shown(placesFor(parseReference(name), [], false, tables))).toEqual(places)
})

test('what a table blocks is neither pulled nor pushed to, by whatever way it is reached', async () => {
  const { tables } = await parseRegistriesConf(CONF, '/the/file')
  const refused = { code: 'REGISTRY_ERROR', message: expect.stringContaining("/the/file blocks 'gone.com'") }
  const gone = parseReference('gone.com/x/y:1')
  expect(() => placesFor(gone, [], false, tables)).toThrow(expect.objectContaining(refused))
  expect(() => placesFor(parseReference('to-gone.com/y:1'), [], false, tables)).toThrow(
    expect.objectContaining(refused),
  )
  expect(() => ownPlace(gone, tables)).toThrow(expect.objectContaining(refused))
  const mirrors = [parseMirror('a.io=gone.com')]
  expect(shown(placesFor(parseReference('a.io/y:1'), mirrors, false, tables))).toEqual(['a.io/y:1'])
  expect(() => placesFor(parseReference('a.io/y:1'), mirrors, true, tables)).toThrow(expect.objectContaining(refused))
  expect(shown(placesFor(gone, [parseMirror('gone.com=m.io')], false, tables))).toEqual(['m.io/x/y:1'])
})

test('--mirror stands in the place of the mirrors of the file, which alone say where the registry itself is', async () => {
  const { tables } = await parseRegistriesConf(CONF, 'f')
  const reference = parseReference('example.com/foo/image:1')
  const mirrors = [parseMirror('example.com=q.wild.com')]
  const mirror = 'q.wild.com/foo/image:1 insecure'
  expect(shown(placesFor(reference, mirrors, false, tables))).toEqual([mirror, 'internal.example.net/bar/image:1'])
  expect(shown(placesFor(reference, mirrors, true, tables))).toEqual([mirror])
  expect(shown(placesFor(reference, [], true, tables))).toHaveLength(2)
  expect(ownPlace(reference, tables)).toEqual({ reference, isMirror: false, isInsecure: false })
})

test('a lone host does not stand for a whole repository: that would be one of Docker Hub', () => {
  expect(() => placesFor(parseReference('a.io/x/y:1'), [parseMirror('a.io/x/y=m.io')], false, [])).toThrow(
    expect.objectContaining({ code: 'REFERENCE_INVALID', message: expect.stringContaining("'m.io'") }),
  )
})

test.each([
  ['[[registry]]\nlocation = a.io', 'line 2, column'],
  ['[registries.search]\nregistries = ["a.io"]', 'version 1'],
  ['registry = "a.io"', "'registry'"],
  ['[[registry]]\nblocked = true', "neither 'prefix' nor 'location' in [[registry]] 1"],
  ['[[registry]]\nlocation = "https://a.io"', 'https://a.io'],
  ['[[registry]]\nlocation = "user:hunter2@a.io/x"', '…@a.io/x'],
  ['[[registry]]\nprefix = "nohost"', "'nohost'"],
  ['[[registry]]\nprefix = "*.a.io/x"', '*.example.com'],
  ['[[registry]]\nprefix = "*.a.io:5000"', '*.example.com'],
  ['[[registry]]\nlocation = "a.io"\nblocked = "yes"', "'blocked'"],
  ['[[registry]]\nlocation = 7', "'location'"],
  ['[[registry]]\nlocation = "a.io"\npull-from-mirror = "all"', 'belongs to a mirror'],
  ['[[registry]]\nlocation = "a.io"\n[[registry.mirror]]\ninsecure = true', 'mirror 1 of [[registry]] 1'],
  ['[[registry]]\nlocation = "a.io"\nmirror = [{ location = "b.io", pull-from-mirror = "some" }]', 'digest-only'],
  [
    '[[registry]]\nlocation = "a.io"\nmirror-by-digest-only = true\nmirror = [{ location = "b.io", pull-from-mirror = "all" }]',
    'mirror-by-digest-only',
  ],
])('%j is refused', async (text, said) => {
  const error: unknown = await parseRegistriesConf(text, '/the/file').catch((fault: unknown) => fault)
  expect(error).toMatchObject({ code: 'USAGE', message: expect.stringContaining(said) })
  expect(error).toMatchObject({
    message: expect.stringMatching(/^\/the\/file /),
    hint: expect.stringContaining('CONF='),
  })
  expect(String(error)).not.toContain('hunter2')
})

async function written(files: Record<string, string>) {
  const folder = await testFolder()
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(folder, path, '..'), { recursive: true })
    await writeFile(join(folder, path), text)
  }
  return folder
}

const moved = (location: string) => `[[registry]]\nprefix = "a.io"\nlocation = "${location}"\n`

test.each<[string, string[], string | undefined]>([
  ['nothing', [], undefined],
  ['the file of the system', ['etc/registries.conf'], 'etc'],
  [
    'drop-ins, the last by name',
    ['etc/registries.conf', 'etc/registries.conf.d/2.conf', 'etc/registries.conf.d/1.conf'],
    '2',
  ],
  ['own drop-ins after those', ['etc/registries.conf.d/2.conf', 'own/containers/registries.conf.d/1.conf'], '1'],
  [
    'the own file',
    ['etc/registries.conf', 'etc/registries.conf.d/2.conf', 'own/containers/registries.conf'],
    'containers',
  ],
  ['no other names', ['etc/registries.conf.d/2.txt', 'etc/registries.conf.d/3.conf/4.conf'], undefined],
])('%s counts', async (_, paths, winner) => {
  const name = (path: string) => (path.includes('.d/') ? path.split('/').at(-1)!.slice(0, 1) : path.split('/').at(-2)!)
  const folder = await written(Object.fromEntries(paths.map((path) => [path, moved(`${name(path)}.io`)])))
  const lookup = registriesLookup({ env: { XDG_CONFIG_HOME: join(folder, 'own') }, home: '/none' }, join(folder, 'etc'))
  expect((await lookup()).map(({ location }) => location)).toEqual(winner === undefined ? [] : [`${winner}.io`])
})

test('CONTAINERS_REGISTRIES_CONF names a file that is read alone, and has to be there', async () => {
  const folder = await written({ 'etc/registries.conf': moved('etc.io'), 'other.conf': moved('other.io') })
  const tables = (CONTAINERS_REGISTRIES_CONF: string) =>
    registriesLookup({ env: { CONTAINERS_REGISTRIES_CONF }, home: folder }, join(folder, 'etc'))()
  expect((await tables(join(folder, 'other.conf'))).map(({ location }) => location)).toEqual(['other.io'])
  expect(await tables('/dev/null')).toEqual([])
  await expect(tables(join(folder, 'none.conf'))).rejects.toMatchObject({ code: 'USAGE' })
})

const image = memoryImage([100])

async function registryWith(options: RegistryOptions, name?: string) {
  const registry = await startRegistry(options)
  onTestFinished(() => registry.stop())
  if (name !== undefined) {
    const { connection } = testConnection({ credentials: knowsUser, insecureRegistries: new Set([registry.host]) })
    await pushImage(image, [parseReference(`${registry.host}/${name}`)], connection, { signal, report: () => {} })
    connection.close()
  }
  return registry
}

/** A connection for which this is written of registries. */
function reading(text: string, options: Parameters<typeof testConnection>[0] = {}) {
  const { connection, events } = testConnection({
    registries: async () => (await parseRegistriesConf(text, 'f')).tables,
    ...options,
  })
  onTestFinished(() => connection.close())
  return { connection, events }
}

test('mirrors are asked in order, then the location, each with its own credentials; the name stays', async () => {
  const empty = await registryWith({})
  const home = await registryWith({ auth: 'basic' }, 'moved/app:1')
  const asked: string[] = []
  const { connection, events } = reading(
    `[[registry]]\nprefix = "a.io/team"\nlocation = "${home.host}/moved"\nmirror = [{ location = "${empty.host}/m" }]`,
    {
      credentials: async (registry, repository) => {
        asked.push(`${registry}/${repository}`)
        return knowsUser(registry, repository)
      },
    },
  )
  const source = await mirroredSource(parseReference('a.io/team/app:1'), connection)
  expect(source.name).toBe('a.io/team/app:1')
  expect((await source.resolve(signal)).digest).toBe(image.manifest.digest)
  expect((await empty.requests()).filter((line) => line.includes('manifests'))[0]).toContain('/v2/m/app/manifests/1')
  expect(events).toContainEqual(expect.objectContaining({ type: 'warning' }))
  expect(asked).toContain(`${home.host}/moved/app`)
  expect(asked.filter((name) => name.startsWith('a.io'))).toEqual([])
  const missing = await mirroredSource(parseReference('a.io/team/none:1'), connection)
  await expect(missing.resolve(signal)).rejects.toMatchObject({
    code: 'BASE_NOT_FOUND',
    message: expect.stringMatching(/moved\/none.*registries\.conf has a\.io\/team\/none:1 looked for/),
  })
})

test('an insecure part of a registry leaves the rest of it to TLS', async () => {
  const registry = await registryWith({ tls: true }, 'lax/app:1')
  const { connection } = reading(`[[registry]]\nlocation = "${registry.host}/lax"\ninsecure = true`)
  const lax = await mirroredSource(parseReference(`${registry.host}/lax/app:1`), connection)
  expect((await lax.resolve(signal)).digest).toBe(image.manifest.digest)
  const strict = await mirroredSource(parseReference(`${registry.host}/strict/app:1`), connection)
  await expect(strict.resolve(signal)).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' })
  const push = (name: string) =>
    pushImage(image, [parseReference(`${registry.host}/${name}`)], connection, { signal, report: () => {} })
  await push('lax/app:2')
  await expect(push('strict/app:2')).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' })
})

test('a push goes where its name says, to no mirror and no other location, and nowhere if that is blocked', async () => {
  const home = await registryWith({})
  const other = await registryWith({})
  const conf = `[[registry]]\nprefix = "${home.host}"\nlocation = "${other.host}"\nmirror = [{ location = "${other.host}/m" }]`
  const reference = parseReference(`${home.host}/team/app:1`)
  await pushImage(image, [reference], reading(conf).connection, { signal, report: () => {} })
  expect((await home.requests()).some((line) => line.startsWith('PUT /v2/team/app/manifests/1'))).toBe(true)
  expect(await other.requests()).toEqual([])
  const before = (await home.requests()).length
  const blocked = reading(`[[registry]]\nlocation = "${home.host}/team"\nblocked = true`).connection
  const more = [parseReference(`${home.host}/free/app:1`), reference]
  await expect(pushImage(image, more, blocked, { signal, report: () => {} })).rejects.toMatchObject({
    code: 'REGISTRY_ERROR',
  })
  expect((await home.requests()).length).toBe(before)
})

test('the command line reads the file of its user, and names the line that is wrong', async () => {
  const home = await registryWith({}, 'team/app:1')
  const folder = await written({
    '.config/containers/registries.conf': `[[registry]]\nprefix = "*.wild.io"\nlocation = "${home.host}"\n`,
    'bad.conf': '[[registry]]\nlocation = a\n',
  })
  const inspect = (conf: string) =>
    runCli(['inspect', 'b.wild.io/team/app:1'], { cache: folder, env: { CONTAINERS_REGISTRIES_CONF: conf } })
  const shown = await inspect('')
  expect(shown).toMatchObject({ code: 0, stdout: expect.stringContaining(image.manifest.digest) })
  expect(shown.stdout).toMatch(/^name +b\.wild\.io\/team\/app:1\n/)
  const bad = await inspect(join(folder, 'bad.conf'))
  expect(bad).toMatchObject({ code: 2, stderr: expect.stringContaining('bad.conf is not TOML at line 2') })
}, 60_000)

test('a build that may not push where it is to push does nothing', async () => {
  const folder = await written({
    'x.spec.json': JSON.stringify({ from: 'scratch', tags: [`127.0.0.1:${await freePort()}/app:1`] }),
    'c.conf': '[[registry]]\nlocation = "off.io"\nblocked = true\n',
  })
  const args = ['build', join(folder, 'x.spec.json'), '--output', 'docker://off.io/app:1', '--progress', 'plain']
  const env = { CONTAINERS_REGISTRIES_CONF: join(folder, 'c.conf') }
  const result = await runCli(args, { cache: folder, env })
  expect(result).toMatchObject({ code: 3, stderr: expect.stringContaining("blocks 'off.io'") })
  expect(result.stderr).not.toContain('writing the layer')
}, 60_000)

test.each([
  ['credential-helpers = ["one", "containers-auth.json", "two"]', ['one', 'containers-auth.json', 'two']],
  ['credential-helpers = []', []],
  ['unqualified-search-registries = []', undefined],
])('%s says who is asked for credentials: %j', async (text, helpers) => {
  expect((await parseRegistriesConf(text, 'f')).helpers).toEqual(helpers)
})

test.each(['"one"', '[1]', '["../one"]', '["a b"]', '[""]'])('credential-helpers = %s is refused', async (value) => {
  await expect(parseRegistriesConf(`credential-helpers = ${value}`, '/the/file')).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining("/the/file has something else than names of programs as 'credential-helpers'"),
  })
})

test('credential-helpers of the last file that has them count', async () => {
  const home = await written({
    '.config/containers/registries.conf': 'credential-helpers = ["main"]',
    '.config/containers/registries.conf.d/a.conf': 'credential-helpers = ["late"]',
    '.config/containers/registries.conf.d/b.conf': '[[registry]]\nlocation = "a.io"',
  })
  const system = await written({ 'registries.conf': 'credential-helpers = ["system"]' })
  expect(await helpersLookup({ env: {}, home }, system)()).toEqual(['late'])
  expect(await helpersLookup({ env: {}, home: '/nowhere' }, system)()).toEqual(['system'])
  expect(await helpersLookup({ env: {}, home: '/nowhere' }, '/nowhere')()).toEqual(['containers-auth.json'])
})

test('tables and credential-helpers come of one reading of the files', async () => {
  const file = '.config/containers/registries.conf'
  const home = await written({ [file]: 'credential-helpers = ["one"]\n[[registry]]\nlocation = "a.io"' })
  const { registries, helpers } = registriesConf({ env: {}, home }, '/nowhere')
  expect((await registries()).map(({ prefix }) => prefix)).toEqual(['a.io'])
  await writeFile(join(home, file), 'credential-helpers = ["two"]')
  expect(await helpers()).toEqual(['one'])
})

test('a key that nobody knows is told once, by its table and its file; what podman knows is no mistake', async () => {
  const { tables } = await parseRegistriesConf(CONF, 'f')
  expect(tables.flatMap(({ doubts }) => doubts)).toEqual([])
  const home = await written({
    '.config/containers/registries.conf': `short-name-mode = "enforcing"
credential-helper = ["x"]
additional-layer-store-auth-helper = "x"
[[registry]]
location = "a.io"
blockd = true
mirror = [{ location = "m.io", insecur = true }]
[[registy]]
location = "b.io"
[of-somebody-else]
x = 1`,
  })
  const { registries, doubts } = registriesConf({ env: {}, home }, '/nowhere')
  const { connection, events } = testConnection({ registries, doubts })
  onTestFinished(() => connection.close())
  for (const name of ['a.io/x/y:1', 'b.io/x/y:1']) await connection.placesFor(parseReference(name))
  await connection.toOwn(parseReference('a.io/x/y:1'))
  const file = join(home, '.config/containers/registries.conf')
  expect(events.filter(({ type }) => type === 'warning')).toEqual([
    {
      type: 'warning',
      message: `${file} has 'credential-helper' (did you mean 'credential-helpers'?) and 'registy' (did you mean 'registry'?) and 'of-somebody-else', which nobody knows: it has no effect.`,
      hint: 'Check the spelling; containers-registries.conf(5) has all keys.',
    },
    {
      type: 'warning',
      message: `${file} has 'blockd' in [[registry]] 1 (did you mean 'blocked'?) and 'insecur' in mirror 1 of [[registry]] 1 (did you mean 'insecure'?), which nobody knows: it has no effect.`,
      hint: 'Check the spelling; containers-registries.conf(5) has all keys.',
    },
  ])
})
