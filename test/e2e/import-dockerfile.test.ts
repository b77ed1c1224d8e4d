import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildahImages } from '../support/buildah.ts'
import { bake } from '../support/cli.ts'
import { debianBase } from '../support/debian-base.ts'
import { describeImage } from '../support/described-root.ts'
import { tool } from '../support/skopeo.ts'

const FIXTURES = join(import.meta.dirname, '../import/fixtures-dockerfile')

/** groupadd keeps its time and size, for which buildah takes it to be unchanged on some disks. */
const UNSEEN = '/etc/group-'
/** Empty files that buildah mounts others over, and leaves. */
const MOUNTED = ['/etc/hostname', '/etc/hosts', '/etc/resolv.conf']

const CASES = [
  {
    name: 'server',
    builds: [['server', 'BASE']],
    differs: [
      // A folder that is made for a file is the owner's for Docker, root's here: OB243.
      '/etc/app',
      ...MOUNTED,
    ],
  },
  {
    name: 'stages',
    builds: [
      ['stages-common', 'BASE'],
      ['stages-build', 'BASE', '--output', 'rootfs:out/stages-build.tar'],
      ['stages', undefined],
    ],
    differs: MOUNTED,
  },
] as const

let folder = ''
const context = (name: string) => join(folder, name)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ocibake-dockerfile-'))
  const layout = await debianBase()
  const base = `oci:${layout}:base`
  for (const { name, builds } of CASES) {
    const filter = (path: string) => !/\.(spec\.ts|import\.md)$/.test(path)
    await cp(join(FIXTURES, name), context(name), { recursive: true, filter })
    const ocibake = (args: readonly string[]) => bake(args, { cache: folder, cwd: context(name) })
    await ocibake(['import', 'Dockerfile'])
    for (const [spec, variable, ...flags] of builds) {
      await ocibake([
        'build',
        `${spec}.spec.ts`,
        ...(variable === undefined ? [] : ['--var', `BASE=${base}`]),
        ...flags,
      ])
    }
  }
  const contexts = CASES.map(({ name }) => context(name))
  await buildahImages(contexts, layout, join(folder, 'buildah'), folder)
}, 600_000)

afterAll(() => rm(folder, { recursive: true, force: true }))

describe.each(CASES)('the Dockerfile $name, imported and built', ({ name, differs }) => {
  const images = () => ({ theirs: `${folder}/buildah:${name}`, ours: `${context(name)}/out/${name}:latest` })

  it('has the files that buildah makes of it', async () => {
    const theirs = await describeImage(images().theirs, join(folder, `${name}-theirs`))
    const ours = await describeImage(images().ours, join(folder, `${name}-ours`))
    const paths = [...new Set([...theirs.keys(), ...ours.keys()])].filter((path) => path !== UNSEEN)
    expect(paths.filter((path) => theirs.get(path)?.text !== ours.get(path)?.text).sort()).toEqual(differs)
  }, 180_000)

  it('has the config that buildah gives it', async () => {
    const config = async (image: string) => {
      const { Env, ...others } = JSON.parse(await tool('skopeo', ['inspect', '--config', `oci:${image}`])).config
      return { ...others, Env: [...Env].sort() }
    }
    const { Labels: labels, ...theirs } = await config(images().theirs)
    const { Labels: own, ...ours } = await config(images().ours)
    // It has these fields for images of Docker's types alone.
    const { Healthcheck: _, Shell: __, ...common } = ours
    expect(common).toEqual(theirs)
    expect({ ...own, 'io.buildah.version': labels['io.buildah.version'] }).toEqual(labels)
  })
})
