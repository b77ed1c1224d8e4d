import { readdir, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { OcibakeError, systemCode } from '../errors.ts'
import { readHcl } from './hcl/read-hcl.ts'
import { readJson } from './packer-json/read-json.ts'
import { readText } from './read-text.ts'
import type { Template } from './template.ts'
import type { TemplateInputs } from './template-inputs.ts'

/**
 * A Packer template as it is written: a `.pkr.hcl` file, a folder of them with their `.auto.pkrvars.hcl`, or a legacy JSON
 * template. Nothing is run, and nobody is asked.
 * @throws TEMPLATE_NOT_FOUND; TEMPLATE_INVALID with file, line and column; USAGE for a variable that does not fit
 */
export async function readTemplate(path: string, inputs: TemplateInputs): Promise<Template> {
  try {
    if (await isFolder(path, inputs)) return await readFolder(path, inputs)
    if (path.endsWith('.pkr.json')) throw hclInJson(path)
    const source = await readText(path, 'template', inputs)
    if (path.endsWith('.json')) return await readJson(source, inputs)
    return await readHcl({ folder: dirname(path), files: [source], autoFiles: [] }, inputs)
  } catch (error) {
    // What is nested is bounded everywhere, but several bounds may meet.
    if (!(error instanceof RangeError)) throw error
    throw new OcibakeError('TEMPLATE_INVALID', `What ${path} holds is nested too deep or too long.`, {
      hint: 'Is this a template? If it is, please report it.',
      cause: error,
    })
  }
}

async function isFolder(path: string, { cwd }: TemplateInputs): Promise<boolean> {
  try {
    return (await stat(resolve(cwd, path))).isDirectory()
  } catch (cause) {
    throw new OcibakeError(
      'TEMPLATE_NOT_FOUND',
      `There is no template '${path}' (${systemCode(cause) ?? 'no file'}).`,
      {
        hint: 'Name a .pkr.hcl file, a folder of them, or a JSON template.',
        cause,
      },
    )
  }
}

async function readFolder(path: string, inputs: TemplateInputs): Promise<Template> {
  const names = (await readdir(resolve(inputs.cwd, path))).sort()
  const ending = (...ends: readonly string[]) => names.filter((name) => ends.some((end) => name.endsWith(end)))
  const inFolder = (name: string) => join(path, name)
  const [json] = ending('.pkr.json')
  if (json !== undefined) throw hclInJson(inFolder(json))
  const templates = ending('.pkr.hcl')
  if (templates.length === 0) {
    const others = ending('.json')
    throw new OcibakeError('TEMPLATE_NOT_FOUND', `The folder '${path}' has no .pkr.hcl file.`, {
      hint:
        others.length === 0
          ? 'Name the template itself.'
          : `JSON templates are imported one by one: ${inFolder(others[0]!)}`,
    })
  }
  const files = await Promise.all(templates.map((name) => readText(inFolder(name), 'template', inputs)))
  const autoFiles = ending('.auto.pkrvars.hcl', '.auto.pkrvars.json').map(inFolder)
  return readHcl({ folder: path.replace(/(?<=.)\/+$/, ''), files, autoFiles }, inputs)
}

function hclInJson(file: string): OcibakeError {
  return new OcibakeError('TEMPLATE_INVALID', `${file} is HCL2 in JSON syntax, which is not imported.`, {
    hint: 'Write it as .pkr.hcl; legacy JSON templates, with "builders", are imported.',
  })
}
