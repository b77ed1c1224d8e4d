import { resolve } from 'node:path'
import { OcibakeError } from '../errors.ts'
import type { Imported } from '../import/imported.ts'
import { importTemplate } from '../import/packer/import-template.ts'
import { readTemplate } from '../import/read-template.ts'
import type { Build, Template } from '../import/template.ts'
import type { Platform } from '../oci/platform.ts'
import { importStages } from './import-stages.ts'
import { isDockerfile } from './is-dockerfile.ts'
import type { Surroundings } from './surroundings.ts'
import type { TemplateOptions } from './template-options.ts'

/**
 * The drafts of a template, for specs in a folder.
 * @param platform that a Dockerfile is imported for; undefined: specs that are going to be built for any
 * @throws USAGE for an option that names a build which is not there
 */
export async function importFile(
  path: string,
  specFolder: string,
  options: TemplateOptions,
  { env }: Pick<Surroundings, 'env'>,
  platform?: Platform,
): Promise<Imported> {
  const { var: vars = {}, varFile: varFiles = [], mapBase: bases = new Map(), lift = true } = options
  const cwd = resolve('.')
  if (isDockerfile(path)) return importStages(path, specFolder, cwd, options, platform)
  const template = await readTemplate(path, { vars, varFiles, env, cwd })
  const isWanted = wanted(template, options)
  return importTemplate(template, { folders: { current: cwd, spec: specFolder }, bases, lift, env, isWanted })
}

function wanted(
  template: Template,
  { only = [], except = [], mapBase = new Map() }: TemplateOptions,
): (build: Build) => boolean {
  const sources = [...mapBase.keys()].filter((name) => name !== '')
  const unknown = [...only, ...except, ...sources].find(
    (name) => !template.builds.some((build) => isCalled(build, name)),
  )
  if (unknown !== undefined) {
    throw new OcibakeError('USAGE', `The template has no build '${unknown}'.`, {
      hint: `It has: ${template.builds.map(({ name }) => name).join(', ')}`,
    })
  }
  return (build) => {
    const isChosen = only.length === 0 || only.some((name) => isCalled(build, name))
    return isChosen && !except.some((name) => isCalled(build, name))
  }
}

function isCalled({ name, source }: Build, wanted: string): boolean {
  return [name, source.name, source.type, `${source.type}.${source.name}`].includes(wanted)
}
