import { readHcl } from '../../src/import/hcl/read-hcl.ts'
import { SourceText } from '../../src/import/source-text.ts'
import type { Template } from '../../src/import/template.ts'
import type { TemplateInputs } from '../../src/import/template-inputs.ts'
import type { Value } from '../../src/import/value.ts'

/** What a template is imported with, when it does not matter. */
export const NOTHING_GIVEN: TemplateInputs = { vars: {}, varFiles: [], env: {}, cwd: import.meta.dirname }

/** The template that a text is, as the file t.pkr.hcl. */
export function readText(text: string, inputs: TemplateInputs = NOTHING_GIVEN): Promise<Template> {
  return readHcl({ folder: '.', files: [new SourceText('t.pkr.hcl', text)], autoFiles: [] }, inputs)
}

const BUILD = `
source "docker" "x" {}
build {
  sources = ["source.docker.x"]
  provisioner "shell" { test = local.test }
}
`

/** What an expression comes to, and the template around it; `more` are blocks beside it, such as variables. */
export async function evaluated(expression: string, more = '', inputs: TemplateInputs = NOTHING_GIVEN) {
  const template = await readText(`locals {\n  test = ${expression}\n}\n${more}${BUILD}`, inputs)
  const value: Value | undefined = template.builds[0]!.provisioners[0]!.attributes.get('test')?.value
  const findings = template.findings.filter(({ id }) => id !== 'OB142')
  return { value, findings, says: findings.map(({ says }) => says) }
}
