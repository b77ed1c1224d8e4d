import { refuseUnlike } from '../build/refuse-index.ts'
import { OcibakeError } from '../errors.ts'
import type { Platform } from '../oci/platform.ts'
import { type LoadedSpec, loadSpecs } from '../spec/load.ts'
import { makePlan, type Plan } from '../spec/plan.ts'
import { parsePlatforms } from '../spec/platforms.ts'
import { isTemplate } from './is-template.ts'
import type { SpecOptions } from './options.ts'
import { settled } from './settled.ts'
import type { Surroundings } from './surroundings.ts'

export interface Planned {
  /** One for a spec; one for each build of a template: a plan for each of its platforms. */
  readonly builds: readonly (readonly Plan[])[]
  /** What a template does otherwise here. */
  readonly warnings: readonly { readonly message: string; readonly hint: string }[]
  /** What a template has for `env:` secrets of its specs, which the caller's environment may lack. */
  readonly environment: Readonly<Record<string, string>>
}

/**
 * The plans of a spec file, a Packer template or a Dockerfile, with the command line's wishes in them. Meanwhile Ctrl-C ends
 * the process: a spec is a program, and may be in an endless loop.
 */
export function plansOf(file: string, options: SpecOptions, around: Surroundings): Promise<Planned> {
  return around.endable(() => plansIn(file, options, around))
}

async function plansIn(file: string, options: SpecOptions, around: Surroundings): Promise<Planned> {
  const { env } = around
  const platforms = wishedPlatforms(options)
  const planned = (specs: readonly LoadedSpec[]) => {
    const plans = specs.map((spec) => makePlan(spec, { tags: options.tag ?? [], env }))
    if (plans.length > 1) refuseUnlike(plans)
    return plans
  }
  if (await isTemplate(file)) {
    const { loadTemplate } = await import('./load-template.ts')
    const { builds, ...others } = await loadTemplate(file, platforms, options, around)
    return { builds: builds.map(planned), ...others }
  }
  refuseTemplateOptions(file, options)
  const loaded = await settled(file, loadSpecs(file, { vars: options.var ?? {}, env, platforms }))
  return { builds: [planned(loaded)], warnings: [], environment: {} }
}

/** Those of the command line; undefined: it has none. @throws REFERENCE_INVALID, USAGE */
function wishedPlatforms({ platform }: SpecOptions): readonly Platform[] | undefined {
  return platform === undefined ? undefined : parsePlatforms(platform.flatMap((text) => text.split(',')))
}

function refuseTemplateOptions(file: string, { varFile, mapBase, ignoreTodos }: SpecOptions): void {
  const given = Object.entries({ '--var-file': varFile, '--map-base': mapBase, '--ignore-todos': ignoreTodos })
  const [name] = given.find(([, value]) => value !== undefined) ?? []
  if (name === undefined) return
  throw new OcibakeError('USAGE', `${name} is for Packer templates, and ${file} is a spec.`, {
    hint: 'A spec gets its variables by --var.',
  })
}
