import { basename, dirname, resolve } from 'node:path'
import { distinctNames } from '../distinct-names.ts'
import type { DraftFields, DraftStep, DraftVariable } from '../draft.ts'
import type { Finding } from '../finding.ts'
import type { Imported, ImportedImage } from '../imported.ts'
import { Placeholders } from '../placeholders.ts'
import type { Build, Template } from '../template.ts'
import { usedVariables } from '../used-variables.ts'
import { validDraft } from '../valid-draft.ts'
import type { Action } from './action.ts'
import type { Context, ImportFolders } from './context.ts'
import { draftVariables } from './draft-variables.ts'
import { findDefects } from './find-defects.ts'
import { ImageFolders } from './image-folders.ts'
import { importedConfig } from './imported-config.ts'
import { liftPatterns } from './lift-patterns.ts'
import { noteBuild } from './note-build.ts'
import { Notes } from './notes.ts'
import { Options } from './options.ts'
import { scriptStep } from './script-step.ts'
import { secretValues, secretVariables } from './secret-variables.ts'
import { translateDocker } from './translate-docker.ts'
import { translateMachine } from './translate-machine.ts'
import { translatePostProcessors } from './translate-post-processors.ts'
import { translateProvisioner } from './translate-provisioner.ts'

export interface ImportOptions {
  readonly folders: Omit<ImportFolders, 'template'>
  /** The image that stands for a source's own, by the name of the source or of its type; '' is for all. */
  readonly bases: ReadonlyMap<string, string>
  readonly lift: boolean
  /** Which builds are imported; names of specs are those that they have with all of them. */
  isWanted(build: Build): boolean
  readonly env: Readonly<Record<string, string | undefined>>
}

/** A draft for each build of a template, and all that was found on the way. */
export function importTemplate(template: Template, options: ImportOptions): Imported {
  const notes = new Notes()
  const first = template.files[0] ?? 'template'
  const folders = { ...options.folders, template: resolve(options.folders.current, dirname(first)) }
  const variables = draftVariables(template, options.env, notes)
  const names = distinctNames(template.builds.map((build) => nameOf(build, template, first, folders.template)))
  const imports = template.builds
    .map((build, index) => ({ build, name: names[index]! }))
    .filter(({ build }) => options.isWanted(build))
    .map(({ build, name }) => {
      const context = {
        ...{ format: template.format, folders, lift: options.lift, notes, hidden: new Placeholders() },
        builder: { name: build.source.name ?? build.source.type, type: build.source.type },
        isMachine: build.source.type !== 'docker',
        secrets: secretVariables(template),
      }
      return importBuild(build, name, variables, options.bases, context)
    })
  noteVariables(template, imports, notes)
  const findings = [...needed(template.findings, imports), ...notes.findings]
  return { images: imports, findings, environment: secretValues(template) }
}

function noteVariables({ variables }: Template, images: readonly ImportedImage[], notes: Notes): void {
  const all = images.flatMap(({ draft }) => usedVariables(draft))
  const used = new Set(all.flatMap(({ key, name }) => (key.startsWith('variable ') ? [name] : [])))
  for (const { name, place } of variables) {
    const isUsed = used.has(name)
    notes.add('OB157', place, `The variable \`${name}\``, isUsed ? `vars.${name}` : 'No spec has it as a variable.')
  }
}

/** What has no value is nothing to do where no spec asks for it. */
function needed(findings: readonly Finding[], images: readonly ImportedImage[]): Finding[] {
  const used = images.flatMap(({ draft }) => usedVariables(draft))
  // A long expression is abridged in what is said of it.
  const unknown = used.flatMap(({ key }) => (key.startsWith('unknown ') ? [key.slice('unknown '.length, 28)] : []))
  const isNeeded = ({ says }: Finding) => unknown.some((start) => says.startsWith(`\`${start}`))
  return findings.map((finding) => {
    if (finding.id !== 'OB141' || finding.kind !== 'todo' || isNeeded(finding)) return finding
    return { ...finding, kind: 'mapped', advice: 'Nothing that is imported needs it.' }
  })
}

function importBuild(
  build: Build,
  name: string,
  variables: readonly DraftVariable[],
  bases: ReadonlyMap<string, string>,
  context: Context,
): Imported['images'][number] {
  const source = new Options(build.source, context.format)
  const { name: own = '', type } = build.source
  const base = [own, build.name, `${type}.${own}`, type, ''].map((key) => bases.get(key)).find(Boolean)
  const translated = context.isMachine
    ? translateMachine(source, base, context)
    : translateDocker(source, base, context)
  for (const [option, { place }] of source.others) {
    context.notes.add('OB183', place, `\`${option}\` is no option of the docker builder.`, 'Packer refuses it too.')
  }
  const { draft } = translated
  const delivery = translatePostProcessors(build.postProcessors, context)
  const scope = { defaults: { options: translated.runOptions }, folders: new ImageFolders() }
  const actions = build.provisioners.flatMap((block) => {
    return translateProvisioner(new Options(block, context.format), scope, context)
  })
  noteBuild(source, draft.config, actions, context)
  findDefects(actions, context)
  const config: DraftFields =
    delivery.imported === undefined ? draft.config : importedConfig(delivery.imported, context)
  const comments = { ...draft.comments, ...(delivery.comments.length === 0 ? {} : { tags: delivery.comments }) }
  const steps = stepsOf(actions, context)
  const checked = validDraft({ ...draft, name, config, steps, tags: delivery.tags, variables, comments })
  for (const { place = build.source.place, says, empty } of checked.refusals) {
    const ways = empty.map((name) => `--var ${name}=…`).join(' ')
    const again = ways === '' ? '' : ` Or import again with ${ways}.`
    context.notes.add('OB183', place, says, `The spec has a TODO at its place.${again}`)
  }
  return { flags: [...translated.flags, ...delivery.flags], draft: checked.draft }
}

function stepsOf(actions: readonly Action[], context: Context): DraftStep[] {
  const lifted = context.lift ? liftPatterns(actions, context) : actions
  return lifted.map((action) => {
    if (action.kind === 'step') return action.step
    return scriptStep(
      action.lines.map(({ text }) => text),
      action,
      context,
    )
  })
}

/** After the template's file or folder, and after the source if it is not the only one. */
function nameOf(build: Build, template: Template, first: string, folder: string): string {
  const isFolder = template.files.filter((file) => file.endsWith('.pkr.hcl')).length > 1
  const file = clean(isFolder ? basename(folder) : basename(first).replace(/(\.pkr)?\.(hcl|json)$/, ''))
  if (template.builds.length === 1) return file
  const own = build.source.name ?? build.source.type
  const isUnique = template.builds.filter(({ source }) => (source.name ?? source.type) === own).length === 1
  return clean(`${file}-${isUnique ? own : build.name}`)
}

const clean = (name: string) => name.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '') || 'image'
