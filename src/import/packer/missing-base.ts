import { Mixed, Reference, type Text } from '../value.ts'

/** A base that whoever builds has to name: `--var base=IMAGE`. */
export function missingBase(): Text {
  return new Mixed([new Reference('base', undefined)])
}
