import { existsSync, statSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { OcibakeError } from '../errors.ts'
import type { ImportedImage } from '../import/imported.ts'
import { reportDocument, reportLines } from '../import/report.ts'
import { writeSpec } from '../import/write-spec.ts'
import { makeFolders } from '../oci/make-folders.ts'
import { writeFileAtomically } from '../oci/write-file.ts'
import { importFile } from './import-file.ts'
import type { Surroundings } from './surroundings.ts'
import type { TemplateOptions } from './template-options.ts'

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
    text: writeSpec(image.draft, [`Imported from ${basename(resolve(template))}.`]),
  }))
  const report =
    options.report === undefined ? [] : [{ path: options.report, text: reportDocument(imported, template) }]
  const files = [...specs, ...report]
  refuseReplacing(files, options.force === true)
  await writeAll(files)
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

interface OutputFile {
  readonly path: string
  readonly text: string
}

/** All of them or none: when one cannot be written, those before it are as they were. */
async function writeAll(files: readonly OutputFile[]): Promise<void> {
  const before: { path: string; bytes: Uint8Array | undefined }[] = []
  try {
    for (const { path, text } of files) {
      const target = resolve(path)
      await makeFolders(dirname(target))
      const bytes = existsSync(target) && statSync(target).isFile() ? await readFile(target) : undefined
      await writeFileAtomically(target, Buffer.from(text))
      before.push({ path: target, bytes })
    }
  } catch (error) {
    for (const { path, bytes } of before) {
      if (bytes === undefined) await rm(path, { force: true })
      else await writeFileAtomically(path, bytes)
    }
    throw error
  }
}

/** @throws OUTPUT_FAILED naming what is there; then nothing was written */
function refuseReplacing(files: readonly OutputFile[], force: boolean): void {
  const there = files.filter(({ path }) => existsSync(resolve(path)))
  if (force || there.length === 0) return
  const names = there.map(({ path }) => relative('.', resolve(path))).join(', ')
  throw new OcibakeError('OUTPUT_FAILED', `${names} would be replaced; nothing was written.`, {
    hint: 'Add --force, or another --output.',
  })
}
