import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { changeOneFile, type Scenario } from '../scenario/scenario.ts'
import type { Services } from '../services.ts'
import type { Start, Variant } from '../variants.ts'
import type { Builder, Command } from './builder.ts'

const PROJECT = join(import.meta.dirname, '../..')
const SPEC = join(PROJECT, 'bench/scenario/image.spec.ts')

/** The command line as `npm run build` makes it, started as its users start it: by the `node` of PATH. */
export const CLI: readonly string[] = [join(PROJECT, 'dist/cli.js')]

/**
 * ocibake, with a store for each variant, so that what is warm is of that variant alone. `cold`: the store is empty.
 * `shared`: so is another one, which need not get the base, and --cache-repo names what a build has filled. `warm`: the
 * image was built before, and one small source file has changed since. `nothing`: nothing has changed, and the registry
 * has the image.
 */
export function ocibake(scenario: Scenario, services: Services, folder: string): Builder {
  const storeOf = ({ name }: Variant, start: Start) =>
    join(folder, 'ocibake', start === 'shared' ? `${name}-shared` : name)
  const outOf = ({ name }: Variant) => `${services.registry}/bench/${name}-ocibake:v1`
  const command = (variant: Variant, start: Start): Command => {
    const vars = {
      scenario: scenario.folder,
      base: services.baseOf(variant),
      object: services.objectOf(variant).s3,
      script: variant.script ?? '',
      layers: variant.layers,
      readBase: String(variant.readBase ?? true),
      out: outOf(variant),
    }
    const given = Object.entries(vars).flatMap(([name, value]) => ['--var', `${name}=${value}`])
    const options = ['--push', '--progress', 'json', '--cache-dir', storeOf(variant, start)]
    const shared = start === 'shared' ? ['--cache-repo', `${services.registry}/bench/cache`] : []
    return { argv: [...CLI, 'build', SPEC, ...options, ...shared, ...given], env: services.env }
  }
  const build = async (variant: Variant, start: Start) => {
    const { argv, env } = command(variant, start)
    await execa(argv[0]!, argv.slice(1), { env })
  }
  return {
    name: 'ocibake',
    starts: ['cold', 'shared', 'warm', 'nothing'],
    async prepare(variant, start) {
      const store = storeOf(variant, start)
      const empty = () => rm(store, { recursive: true, force: true })
      if (start === 'cold') return await empty()
      if (start === 'shared') {
        await services.reset()
        await empty()
        await build(variant, start)
        await empty()
        return await changeOneFile(scenario)
      }
      if (start === 'nothing' || !existsSync(store)) await build(variant, start)
      if (start === 'warm') await changeOneFile(scenario)
    },
    keepsRegistry: (start) => start === 'nothing' || start === 'shared',
    command,
    outOf,
  }
}
