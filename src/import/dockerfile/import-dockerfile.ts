import { basename, dirname, resolve } from 'node:path'
import { OcibakeError } from '../../errors.ts'
import type { Platform } from '../../oci/platform.ts'
import type { Imported } from '../imported.ts'
import type { Context } from '../packer/context.ts'
import { Notes } from '../packer/notes.ts'
import { Placeholders } from '../placeholders.ts'
import { isSecretName } from '../secret-name.ts'
import type { SourceText } from '../source-text.ts'
import { argNames } from './arg-names.ts'
import { BuildContext } from './build-context.ts'
import { contextFolder } from './context-folder.ts'
import { globalArgs } from './global-args.ts'
import { neededArgs } from './needed-args.ts'
import { platformArgs } from './platform-args.ts'
import { type DockerfileText, invalid, readDockerfile } from './read-dockerfile.ts'
import { Scope } from './scope.ts'
import { StageImports } from './stage-imports.ts'
import { type Stage, stagesOf } from './stages.ts'

export interface DockerfileOptions {
  /** Absolute: what the Dockerfile's name is relative to. */
  readonly current: string
  /** Absolute: where relative paths of the specs start. */
  readonly spec: string
  /** `--build-arg`. */
  readonly vars: Readonly<Record<string, string>>
  /** The stage that is built, by its name or number; undefined: the last. */
  readonly target: string | undefined
  readonly lift: boolean
  /** What is built; undefined: nobody knows yet. */
  readonly platform?: Platform | undefined
}

/** Each is translated with those that it stands on, one within the other. */
const MOST_STAGES = 100

/**
 * A draft for each stage that the last one, or `target`, needs, those first on which others stand; and what became of every
 * instruction. Files of the build context are looked at, none is changed.
 * @throws TEMPLATE_INVALID with file, line and column; USAGE for a target or a variable that the Dockerfile does not have
 */
export function importDockerfile(source: SourceText, options: DockerfileOptions): Imported {
  const text = readDockerfile(source)
  const { args, stages } = stagesOf(text, source.file)
  if (stages.length > MOST_STAGES)
    throw invalid(stages[MOST_STAGES]!.from.place, `is stage ${MOST_STAGES}: there are too many.`)
  refuseUnknown(options.vars, text)
  const target = targetOf(stages, options.target)
  const dockerfile = resolve(options.current, source.file)
  const own = dirname(dockerfile)
  const folder = contextFolder(text, own, options.current)
  const name = nameOf(dockerfile, folder)
  const hidden = new Placeholders()
  const context: Context = {
    ...{ format: 'hcl', folders: { current: folder, template: own, spec: options.spec } },
    ...{ lift: options.lift, notes: new Notes(), hidden, isMachine: false, secrets: new Map() },
    builder: { name, type: 'docker' },
  }
  const scope = new Scope(hidden, text.escaper, undefined, true)
  const platform = platformArgs(options.platform)
  const shared = { context, given: options.vars, platform }
  // FROM sees them without an ARG.
  if (!platform.isAssumed) for (const [name, value] of platform.values) scope.args.set(name, value)
  const { escaper } = text
  const files = new BuildContext(folder, dockerfile, options.spec, ownFiles(name, stages))
  const declared = { global: scope, args: globalArgs(args, scope, escaper, shared) }
  const imports = new StageImports({ ...shared, ...declared, name, stages, escaper, files }, target)
  if (text.syntax !== undefined) {
    context.notes.add('OB207', source.place(0), '`# syntax=`', 'Nothing: ocibake reads the Dockerfile itself.')
  }
  const images = imports.images()
  const secrets = Object.entries(options.vars).filter(([name]) => isSecretName(name))
  return { images, findings: neededArgs(context.notes.findings, images), environment: Object.fromEntries(secrets) }
}

function refuseUnknown(vars: DockerfileOptions['vars'], text: DockerfileText): void {
  const names = argNames(text)
  const unknown = Object.keys(vars).find((name) => !names.includes(name))
  if (unknown === undefined) return
  throw new OcibakeError('USAGE', `The Dockerfile has no ARG ${unknown}.`, {
    hint: names.length === 0 ? 'It has none at all.' : `It has: ${[...new Set(names)].join(', ')}`,
  })
}

function targetOf(stages: readonly Stage[], target: string | undefined): Stage {
  if (target === undefined) return stages.at(-1)!
  const found = stages.find(({ name, index }) => name === target.toLowerCase() || String(index) === target)
  if (found !== undefined) return found
  throw new OcibakeError('USAGE', `The Dockerfile has no stage '${target}'.`, {
    hint: `It has: ${stages.map(({ name, index }) => name ?? index).join(', ')}`,
  })
}

/** `web.Dockerfile` and `Dockerfile.web` are web; a plain one is called like its folder. */
function nameOf(dockerfile: string, folder: string): string {
  const file = basename(dockerfile)
  const [, after, before] = /^(?:(?:Docker|Container)file\.(.+)|(.+)\.(?:Docker|Container)file)$/i.exec(file) ?? []
  const name = after ?? before ?? (/^(docker|container)file$/i.test(file) ? basename(folder) : file)
  return name.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '') || 'image'
}

/** What is not in the build context as Docker sees it: the specs, and what they build. */
function ownFiles(name: string, stages: readonly Stage[]): string[] {
  return [`${name}.spec.ts`, ...(stages.length > 1 ? [`${name}-*.spec.ts`, 'out/'] : [])]
}
