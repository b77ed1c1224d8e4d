import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { OcibakeError } from '../errors.ts'
import type { ImportedImage } from '../import/imported.ts'
import { reportDocument, reportLines } from '../import/report.ts'
import { writeSpec } from '../import/write-spec.ts'
import { writeFileAtomically } from '../oci/write-file.ts'
import { importFile, type TemplateOptions } from './import-file.ts'
import type { Surroundings } from './surroundings.ts'

/** The options of `ocibake import`, as commander gives them. */
export interface ImportActionOptions extends TemplateOptions {
  readonly output?: string
  readonly report?: string
  readonly force?: boolean
}

/** Writes a spec for each image of a template; prints their paths, and what was found on stderr. */
export async function importAction(
  template: string,
  options: ImportActionOptions,
  around: Surroundings,
): Promise<void> {
  const folder = specFolder(options.output)
  const imported = await importFile(template, folder, options, around)
  const specs = imported.images.map((image) => ({
    path: specPath(image, imported.images.length, options.output),
    text: writeSpec(image.draft, [`Imported from ${template}.`]),
  }))
  const report =
    options.report === undefined ? [] : [{ path: options.report, text: reportDocument(imported, template) }]
  const files = [...specs, ...report]
  refuseReplacing(files, options.force === true)
  for (const { path, text } of files) {
    await mkdir(dirname(resolve(path)), { recursive: true })
    await writeFileAtomically(resolve(path), Buffer.from(text))
  }
  around.stderr.write(`${reportLines(imported).join('\n')}\n`)
  around.stdout(`${files.map(({ path }) => path).join('\n')}\n`)
}

const isFile = (output: string) => /\.(ts|mts|js|mjs)$/.test(output)

function specFolder(output: string | undefined): string {
  if (output === undefined) return resolve('.')
  return isFile(output) ? dirname(resolve(output)) : resolve(output)
}

function specPath(image: ImportedImage, images: number, output: string | undefined): string {
  const name = `${image.draft.name}.spec.ts`
  if (output === undefined) return name
  if (!isFile(output)) return join(output, name)
  if (images === 1) return output
  throw new OcibakeError('USAGE', `The template makes ${images} images, and --output ${output} is one file.`, {
    hint: 'Name a folder, or choose one image by --only.',
  })
}

/** @throws OUTPUT_FAILED naming what is there; then nothing was written */
function refuseReplacing(files: readonly { readonly path: string }[], force: boolean): void {
  const there = files.filter(({ path }) => existsSync(resolve(path)))
  if (force || there.length === 0) return
  const names = there.map(({ path }) => relative('.', resolve(path))).join(', ')
  throw new OcibakeError('OUTPUT_FAILED', `${names} would be replaced; nothing was written.`, {
    hint: 'Add --force, or another --output.',
  })
}
