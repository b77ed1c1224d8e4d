import { isSecretName } from '../secret-name.ts'
import type { Template } from '../template.ts'

/** Where a spec gets the values of secret variables that scripts have in their environment: name -> variable of it. */
export function secretVariables({ variables, format }: Template): ReadonlyMap<string, string> {
  const secret = variables.filter(({ sensitive, name }) => sensitive || isSecretName(name))
  const usual = (name: string) => (format === 'hcl' ? `PKR_VAR_${name}` : name.toUpperCase())
  return new Map(secret.map(({ name, env }) => [name, env ?? usual(name)]))
}

/** What those variables of the environment would have to be for the values that the template has now. */
export function secretValues(template: Template): Record<string, string> {
  const sources = secretVariables(template)
  const values = template.variables.flatMap(({ name, value }) => {
    const source = sources.get(name)
    return source !== undefined && typeof value === 'string' && value !== '' ? [[source, value] as const] : []
  })
  return Object.fromEntries(values)
}
