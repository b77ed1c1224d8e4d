import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildahImage } from '../support/buildah.ts'
import { bake } from '../support/cli.ts'
import { debianBase } from '../support/debian-base.ts'
import { type DescribedRoot, describeRoot } from '../support/described-root.ts'
import { tool } from '../support/skopeo.ts'

const FIXTURES = join(import.meta.dirname, '../import/fixtures-dockerfile')

/** What is otherwise on purpose, by path: what buildah has, and what ocibake has. */
type Differences = Readonly<Record<string, readonly [buildah: string | undefined, ocibake: string | undefined]>>

const CASES: readonly { name: string; builds: readonly (readonly string[])[]; differences: Differences }[] = [
  { name: 'server', builds: [['server']], differences: {} },
  {
    name: 'stages',
    builds: [['stages-common'], ['stages-build', '--output', 'rootfs:out/stages-build.tar'], ['stages']],
    differences: {},
  },
]

describe.each(CASES)('the Dockerfile $name, imported and built', ({ name, builds, differences }) => {
  let folder = ''
  const config: Record<string, Record<string, unknown>> = {}
  const roots: Record<string, DescribedRoot> = {}

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ocibake-dockerfile-'))
    const base = `oci:${await debianBase()}:base`
    const context = join(folder, name)
    await cp(join(FIXTURES, name), context, {
      recursive: true,
      filter: (path) => !/\.(spec\.ts|import\.md)$/.test(path),
    })
    await buildahImage(context, base, `${folder}/buildah:latest`, folder)
    const ocibake = (args: readonly string[]) => bake(args, { cache: folder, cwd: context })
    await ocibake(['import', 'Dockerfile'])
    for (const [spec, ...flags] of builds) {
      const needsBase = name === 'server' || spec !== name
      await ocibake(['build', `${spec}.spec.ts`, ...(needsBase ? ['--var', `BASE=${base}`] : []), ...flags])
    }
    for (const [builder, image] of Object.entries({
      buildah: `${folder}/buildah:latest`,
      ocibake: `${context}/out/${name}:latest`,
    })) {
      await tool('umoci', ['unpack', '--image', image, join(folder, builder, 'bundle')].map(String))
      roots[builder] = await describeRoot(join(folder, builder, 'bundle/rootfs'))
      config[builder] = JSON.parse(await tool('skopeo', ['inspect', '--config', `oci:${image}`])).config
    }
  }, 300_000)

  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('has the files that buildah makes of it', () => {
    const paths = new Set([...roots.buildah!.keys(), ...roots.ocibake!.keys()])
    const found = [...paths].flatMap((path) => {
      const [theirs, ours] = [roots.buildah!.get(path)?.text, roots.ocibake!.get(path)?.text]
      return theirs === ours ? [] : [[path, [theirs, ours]] as const]
    })
    expect(Object.fromEntries(found)).toEqual(differences)
  })

  it('has the config that buildah gives it', () => {
    expect(config.ocibake).toEqual(config.buildah)
  })
})
