import { existsSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { messageOf, OcibakeError, systemCode } from '../errors.ts'
import { placeInSpec } from './place-in-spec.ts'
import type { Spec, SpecContext } from './spec.ts'
import { validate } from './validate.ts'

/** A spec that was found valid, and where it came from. */
export interface LoadedSpec {
  readonly spec: Spec
  /** As the user named it: for messages. */
  readonly file: string
  /** Absolute: what relative paths in the spec are relative to. */
  readonly folder: string
  readonly name: string
}

/**
 * The spec in a `.spec.ts`, `.js` or `.json` file, validated. TypeScript is loaded by Node itself, which strips types.
 * @throws SPEC_NOT_FOUND; SPEC_UNREADABLE when it cannot be loaded or its function throws; SPEC_INVALID with all
 * mistakes at once; USAGE for a variable that the spec never reads
 */
export async function loadSpec(file: string, context: SpecContext): Promise<LoadedSpec> {
  const path = resolve(file)
  if (!existsSync(path) || !statSync(path).isFile()) {
    throw new OcibakeError('SPEC_NOT_FOUND', `There is no spec file '${file}'.`, {
      hint: 'Name a file such as app.spec.ts; `ocibake build --help` has an example.',
    })
  }
  const read = new Set<string>()
  const exported = path.endsWith('.json') ? await readJson(file, path) : await importSpec(file, path)
  const value = typeof exported === 'function' ? await call(file, exported, context, read) : exported
  const spec = validate(value, file)
  refuseUnread(file, context, read)
  const name =
    spec.name ??
    basename(path)
      .replace(/\.(ts|mts|js|mjs|json)$/, '')
      .replace(/\.spec$/, '')
  return { spec, file, folder: dirname(path), name }
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
    throw await unreadable(file, `${file} cannot be loaded`, cause)
  }
  throw new OcibakeError('SPEC_UNREADABLE', `${file} has no default export.`, {
    hint: 'Write: export default { from: …, steps: […] } satisfies Spec',
  })
}

async function call(file: string, make: unknown, context: SpecContext, read: Set<string>): Promise<unknown> {
  const vars = new Proxy(context.vars, {
    get(target, name) {
      if (typeof name === 'string') read.add(name)
      return Reflect.get(target, name)
    },
  })
  try {
    return await (make as (context: SpecContext) => unknown)({ vars, env: context.env })
  } catch (cause) {
    throw await unreadable(file, `The function that ${file} exports failed`, cause)
  }
}

async function unreadable(file: string, what: string, cause: unknown): Promise<OcibakeError> {
  const place = await placeInSpec(cause, file)
  const hint = hintFor(cause, place)
  const message = `${what}: ${place === undefined ? '' : `${place}: `}${messageOf(cause)}`
  return new OcibakeError('SPEC_UNREADABLE', message, { cause, ...(hint === undefined ? {} : { hint }) })
}

function hintFor(cause: unknown, place: string | undefined): string | undefined {
  if (systemCode(cause) === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX') {
    return 'A spec is a module that Node loads by itself, which only takes types out: write erasable TypeScript.'
  }
  const isOfOurs = systemCode(cause) === 'ERR_MODULE_NOT_FOUND' && messageOf(cause).includes("package 'ocibake'")
  if (isOfOurs || (cause instanceof SyntaxError && messageOf(cause).includes('does not provide an export'))) {
    return 'Types are imported by `import type`, ours too: Node takes them out, and nothing has to be installed for them.'
  }
  // A plain Error is what a spec throws that says by itself what is missing.
  if (place === undefined || (cause as Error).constructor === Error) return undefined
  return 'Correct it there; with --debug the error is shown with all that is known of it.'
}

function refuseUnread(file: string, context: SpecContext, read: ReadonlySet<string>): void {
  const unread = Object.keys(context.vars).filter((name) => !read.has(name))
  if (unread.length === 0) return
  const known = read.size === 0 ? 'It reads none.' : `It reads: ${[...read].sort().join(', ')}.`
  throw new OcibakeError('USAGE', `${file} does not read the variable ${unread.map((n) => `'${n}'`).join(', ')}.`, {
    hint: known,
  })
}
