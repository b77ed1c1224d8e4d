import { existsSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { messageOf, OcibakeError } from '../errors.ts'
import { formatPlatform, hostPlatform, type Platform } from '../oci/platform.ts'
import { platformsOf } from './platforms.ts'
import type { Spec, SpecContext } from './spec.ts'
import { SpecSource } from './spec-source.ts'
import { unreadableSpec } from './unreadable-spec.ts'

/** A spec that was found valid, and where it came from. */
export interface LoadedSpec {
  readonly spec: Spec
  /** As the user named it: for messages. */
  readonly file: string
  /** Absolute: what relative paths in the spec are relative to. */
  readonly folder: string
  readonly name: string
  /** What it was loaded for; default: what it says itself. */
  readonly platform?: Platform
}

export interface LoadContext extends Omit<SpecContext, 'platform'> {
  /** Instead of what the spec says. */
  readonly platforms?: readonly Platform[] | undefined
}

/**
 * The spec in a `.spec.ts`, `.js` or `.json` file, validated. TypeScript is loaded by Node itself, which strips types.
 * @throws SPEC_NOT_FOUND; SPEC_UNREADABLE when it cannot be loaded or its function throws; SPEC_INVALID with all
 * mistakes at once; USAGE for a variable that the spec never reads, and for a spec of several platforms
 */
export async function loadSpec(file: string, context: LoadContext): Promise<LoadedSpec> {
  const [only, ...others] = await loadSpecs(file, context)
  if (others.length === 0) return only!
  const names = [only!, ...others].map(({ platform }) => formatPlatform(platform!))
  throw new OcibakeError('USAGE', `${file} is for ${names.join(' and ')}; wanted one platform.`, {
    hint: 'Take `loadSpecs`, which gives a spec for each.',
  })
}

/**
 * As `loadSpec`, for each of the platforms that the context or else the spec names, in that order. A function that reads
 * its `platform` is called for each of them; and before, to learn which the spec names, with this machine's.
 * @throws what `loadSpec` throws; SPEC_INVALID for a function whose `platform` differs between calls
 */
export async function loadSpecs(file: string, context: LoadContext): Promise<readonly LoadedSpec[]> {
  const path = resolve(file)
  if (!existsSync(path) || !statSync(path).isFile()) {
    throw new OcibakeError('SPEC_NOT_FOUND', `There is no spec file '${file}'.`, {
      hint: 'Name a file such as app.spec.ts; `ocibake build --help` has an example.',
    })
  }
  const exported = path.endsWith('.json') ? await readJson(file, path) : await importSpec(file, path)
  const source = new SpecSource(file, exported, context)
  const first = context.platforms?.[0] ?? hostPlatform()
  const guess = await source.specFor(first)
  const platforms = context.platforms ?? platformsOf(guess)
  const specs: Spec[] = []
  for (const platform of platforms) specs.push(await source.specFor(platform))
  source.refuseUnread()
  refuseOther(file, guess, specs)
  const [folder, ownName] = [dirname(path), basename(path).replace(/\.(ts|mts|js|mjs|json)$/, '')]
  return specs.map((spec, at) => {
    const name = spec.name ?? ownName.replace(/\.spec$/, '')
    return { spec, file, folder, name, platform: platforms[at]! }
  })
}

/** @throws SPEC_INVALID */
function refuseOther(file: string, guess: Spec, specs: readonly Spec[]): void {
  const said = ({ platform }: Spec) => JSON.stringify(platform) ?? 'none'
  const other = specs.find((spec) => said(spec) !== said(guess))
  if (other === undefined) return
  const message = `The function that ${file} exports gives another \`platform\` for another one: ${said(guess)}, ${said(other)}.`
  throw new OcibakeError('SPEC_INVALID', message, {
    hint: 'Write all that it is for, or leave `platform` out and name them by --platform.',
  })
}

async function readJson(file: string, path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'))
  } catch (cause) {
    throw new OcibakeError('SPEC_UNREADABLE', `${file} is no JSON: ${messageOf(cause)}`, { cause })
  }
}

async function importSpec(file: string, path: string): Promise<unknown> {
  try {
    const module: { default?: unknown } = await import(pathToFileURL(path).href)
    if (module.default !== undefined) return module.default
  } catch (cause) {
    throw await unreadableSpec(file, `${file} cannot be loaded`, cause)
  }
  throw new OcibakeError('SPEC_UNREADABLE', `${file} has no default export.`, {
    hint: 'Write: export default { from: …, steps: […] } satisfies Spec',
  })
}
