import { z } from 'zod'

/** The names of the fields that a schema has at a path into its values; none where it has no fixed ones. */
export function fieldsAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): string[] {
  if (schema instanceof z.ZodOptional) return fieldsAt(schema.def.innerType, path)
  if (schema instanceof z.ZodUnion) return schema.def.options.flatMap((option) => fieldsAt(option, path))
  const [first, ...rest] = path
  if (schema instanceof z.ZodArray) return first === undefined ? [] : fieldsAt(schema.def.element, rest)
  if (!(schema instanceof z.ZodObject)) return []
  if (first === undefined) return Object.keys(schema.def.shape)
  const field = schema.def.shape[String(first)]
  return field === undefined ? [] : fieldsAt(field, rest)
}
