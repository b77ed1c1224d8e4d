import { loadSpec } from '../spec/load.ts'
import { makePlan, type Plan } from '../spec/plan.ts'
import type { SpecOptions } from './options.ts'
import { settled } from './settled.ts'
import type { Surroundings } from './surroundings.ts'

/** The plan of a spec file, with the command line's wishes in it. */
export async function planOf(file: string, options: SpecOptions, { env }: Surroundings): Promise<Plan> {
  const loaded = await settled(file, loadSpec(file, { vars: options.var ?? {}, env }))
  return makePlan(loaded, { platform: options.platform, tags: options.tag ?? [], env })
}
