import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { OcibakeError, systemCode } from '../errors.ts'
import { SourceText } from './source-text.ts'
import type { TemplateInputs } from './template-inputs.ts'

/** More than any template or variables file for people. */
const LARGEST = 4 << 20

/**
 * A file of text, UTF-8 with or without a byte order mark. @param what for the message: `template`, `variables file`
 * @throws TEMPLATE_NOT_FOUND, TEMPLATE_INVALID
 */
export async function readText(file: string, what: string, { cwd }: TemplateInputs): Promise<SourceText> {
  const path = resolve(cwd, file)
  const refused = (observed: string, hint: string) =>
    new OcibakeError('TEMPLATE_INVALID', `${file} ${observed}`, { hint })
  try {
    const { size } = await regular(path)
    if (size > LARGEST) throw refused(`has ${size} bytes, which no ${what} has.`, 'Name the template itself.')
    return new SourceText(file, new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path)))
  } catch (cause) {
    if (cause instanceof OcibakeError) throw cause
    if (cause instanceof TypeError) throw refused('is no text in UTF-8.', 'Save it as UTF-8.')
    throw new OcibakeError(
      'TEMPLATE_NOT_FOUND',
      `The ${what} '${file}' cannot be read (${systemCode(cause) ?? 'no file'}).`,
      {
        hint: 'Check the path; it is relative to the current folder.',
        cause,
      },
    )
  }
}

/** Pipes and devices have no end. */
async function regular(path: string): Promise<{ readonly size: number }> {
  const found = await stat(path)
  if (!found.isFile()) throw new Error('no file')
  return found
}
