/** Needs root, to be root and to become an ordinary user, and Debian's ansible-core. */
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startBundle } from '../support/bundle.ts'
import { bake, SPECS } from '../support/cli.ts'
import { type DescribedRoot, describeImage, describeRoot } from '../support/described-root.ts'
import { folderAt, ORDINARY, type Place, RESTRICTED, ROOT } from '../support/places.ts'
import { pythonBase } from '../support/python-base.ts'
import { freePort } from '../support/registry.ts'
import { skopeoInspect, tool } from '../support/skopeo.ts'

const FIXTURE = join(import.meta.dirname, '../fixtures/ansible')

let folders: string[] = []

beforeAll(async () => {
  await pythonBase()
}, 600_000)

afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
})

/** The folder of a build of the fixture there, and its digest: `out` is the layout. */
async function build(place: Place): Promise<{ readonly folder: string; readonly digest: string }> {
  const { outer, folder } = await folderAt(place, await pythonBase())
  folders = [...folders, outer]
  await cp(FIXTURE, join(folder, 'play'), { recursive: true })
  await writeFile(join(folder, 'packed'), 'in an archive\n')
  await tool('tar', ['-czf', join(folder, 'play/files/archive.tar.gz'), '--mtime=@1000000000', '-C', folder, 'packed'])
  const extraVars = { packer_builder_type: 'docker', archive: 'files/archive.tar.gz', fetched: join(folder, 'fetched') }
  const step = { ansible: 'play/playbook.yml', extraVars }
  await writeFile(join(folder, 'app.spec.json'), JSON.stringify({ from: 'oci:base:base', steps: [step] }))
  await tool('chown', ['-R', `${place.user}:${place.user}`, folder])
  const args = ['build', 'app.spec.json', '--sandbox', place.sandbox, '--output', 'oci:out:1']
  const digest = await bake(args, { cache: folder, cwd: folder, under: place.under(folder) })
  expect(await readdir(join(folder, 'store/tmp'))).toEqual([])
  return { folder, digest }
}

/** It has one layer, which GNU tar unpacks in a fifth of the time that umoci takes. @param root that is not there yet */
async function describeBase(layout: string, root: string): Promise<DescribedRoot> {
  const { Layers: layers } = await skopeoInspect(`oci:${layout}:base`)
  expect(layers).toHaveLength(1)
  await mkdir(root)
  const archive = join(layout, 'blobs/sha256', layers[0]!.slice('sha256:'.length))
  // Files of a folder may come long after the folder, which would have their time.
  const exactly = ['--preserve-permissions', '--numeric-owner', '--xattrs', '--xattrs-include=*']
  const options = [...exactly, '--delay-directory-restore']
  await tool('tar', ['--extract', '--gzip', '--file', archive, '--directory', root, ...options])
  return await describeRoot(root)
}

describe('a playbook that does what playbooks do', () => {
  let folder = ''
  let digest = ''

  beforeAll(async () => {
    ;({ folder, digest } = await build(ROOT))
  }, 120_000)

  it('leaves what it is about, and nothing of Ansible', { timeout: 300_000 }, async () => {
    const [before, after] = await Promise.all([
      describeBase(join(folder, 'base'), join(folder, 'before')),
      describeImage(`${folder}/out:1`, join(folder, 'after')),
    ])
    const paths = [...new Set([...before.keys(), ...after.keys()])].sort()
    const changed = paths.filter((path) => after.get(path)?.text !== before.get(path)?.text)
    const times = paths.filter((path) => before.has(path) && after.get(path)?.mtime !== before.get(path)?.mtime)
    const databases = ['group', 'gshadow', 'passwd', 'shadow', 'subgid', 'subuid']
    const accounts = databases.flatMap((name) => [name, `${name}-`])
    expect(changed.filter((path) => !path.startsWith('/opt/app'))).toEqual(
      ['app.conf', ...accounts].map((name) => `/etc/${name}`).concat('/srv/packed'),
    )
    const touched = times.filter((path) => !changed.includes(path))
    expect(touched.filter((path) => !['/etc', '/opt', '/run', '/srv'].includes(path))).toEqual([])
    const own = paths.filter((path) => path.startsWith('/opt/app/')).map((path) => path.slice('/opt/app/'.length))
    expect(own.join(' ')).toBe(
      'command daemon device handled hard later link own own/below own/fifo own/file own/link raw said tree tree/sub tree/sub/deep tree/tool',
    )
    const text = (path: string) => after.get(path)?.text
    expect(text('/opt/app/own/file')).toMatch(/^file 0640 4242:4242 /)
    expect(text('/opt/app/said')).toMatch(/^file 4640 4711:4712 /)
    expect(text('/opt/app/tree/tool')).toMatch(/^file 0755 4242:4 /)
    expect(await readFile(join(folder, 'after/etc/app.conf'), 'utf8')).toMatch(
      /^name=fixture host=default os=Debian docker\nport=4242\n# BEGIN .*\na block\nof 2 lines\n/,
    )
    expect(await readFile(join(folder, 'fetched'), 'utf8')).toBe('tool\n')
  })

  it('leaves nothing beside the playbook or in a home', async () => {
    expect(
      (await readdir(join(folder, 'play'), { recursive: true })).filter((name) => /pyc|retry|\.ansible/.test(name)),
    ).toEqual([])
    expect((await readdir(folder)).filter((name) => name.startsWith('.'))).toEqual([])
  })

  it.each([
    ['nobody, with no new privileges', ORDINARY],
    ['user 12345 in a container that allows nothing but ptrace', RESTRICTED],
  ])('has the digest that root gives it, made by %s', { timeout: 300_000 }, async (_, place) => {
    expect((await build(place)).digest).toBe(digest)
  })
})

it('specs/redis.spec.ts makes an image that answers redis-cli', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ocibake-redis-'))
  folders = [...folders, folder]
  const vars = ['--var', `base=oci:${await pythonBase()}:base`, '--var', 'maxmemory=32mb']
  await bake(['build', join(SPECS, 'redis.spec.ts'), ...vars, '--output', 'oci:out:1'], { cache: folder, cwd: folder })
  const { config } = JSON.parse(await tool('skopeo', ['inspect', '--config', `oci:${folder}/out:1`]))
  expect(config).toMatchObject({ User: 'redis', WorkingDir: '/data', Volumes: { '/data': {} } })
  const bundle = join(folder, 'bundle')
  await tool('umoci', ['unpack', '--image', `${folder}/out:1`, bundle])
  const root = await describeRoot(join(bundle, 'rootfs'))
  expect([...root.keys()].filter((path) => /python3|\.ansible|ansible-tmp/.test(path))).toEqual([])
  expect(root.get('/data')?.text).toMatch(/^directory 0750 6379:6379/)
  const port = String(await freePort())
  const running = await startBundle(bundle, { REDIS_PORT: port })
  const redis = (...args: string[]) =>
    execa('chroot', [join(bundle, 'rootfs'), 'redis-cli', '-p', port, ...args], { reject: false })
  try {
    while ((await redis('ping')).exitCode !== 0 && !running.hasEnded()) await sleep(50)
    expect((await redis('ping')).stdout).toBe('PONG')
    expect((await redis('config', 'get', 'maxmemory')).stdout).toBe(`maxmemory\n${32 << 20}`)
    expect(await running.owner()).toBe('6379 6379')
  } catch (error) {
    throw new Error(`The container said: ${await running.stop()}`, { cause: error })
  }
  await running.stop()
}, 400_000)
