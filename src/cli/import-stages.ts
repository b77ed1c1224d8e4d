import { OcibakeError } from '../errors.ts'
import { importDockerfile } from '../import/dockerfile/import-dockerfile.ts'
import type { Imported } from '../import/imported.ts'
import { readText } from '../import/read-text.ts'
import type { Platform } from '../oci/platform.ts'
import type { TemplateOptions } from './template-options.ts'

/** The drafts of a Dockerfile's stages. @throws USAGE for options that only templates have */
export async function importStages(
  path: string,
  spec: string,
  current: string,
  { var: vars = {}, only = [], lift = true, ...others }: TemplateOptions,
  platform: Platform | undefined,
): Promise<Imported> {
  const given = { '--var-file': others.varFile, '--map-base': others.mapBase, '--except': others.except }
  const [name] = Object.entries(given).find(([, value]) => value !== undefined) ?? []
  if (name !== undefined || only.length > 1) {
    throw new OcibakeError(
      'USAGE',
      `${name ?? 'More than one --only'} is for Packer templates, and ${path} is a Dockerfile.`,
      {
        hint: 'It takes --var NAME=VALUE for --build-arg, and --only STAGE for --target.',
      },
    )
  }
  const source = await readText(path, 'Dockerfile', { vars, varFiles: [], env: {}, cwd: current })
  return importDockerfile(source, { current, spec, vars, target: only[0], lift, platform })
}
