import { type Fence, fencesOf, markdownFiles } from './markdown.ts'

/** A spec that the documentation shows, as the text of a module. */
export interface DocExample {
  readonly where: string
  readonly module: string
}

/**
 * How a fence of TypeScript is read, by the word behind `ts`: `fields` of a spec, `steps` of its list, what is in
 * `config`. Without a word it is a whole module.
 */
const FRAMES: Readonly<Record<string, (text: string) => string>> = {
  fields: (text) => `export default {\n${text.includes('from:') ? '' : "from: 'scratch',\n"}${text}}\n`,
  steps: (text) => `export default { from: 'scratch', steps: [\n${text}] }\n`,
  config: (text) => `export default { from: 'scratch', config: {\n${text}} }\n`,
}

/** Every spec in every Markdown file. @throws for a fence of TypeScript in docs/ that is none */
export function docExamples(): DocExample[] {
  return markdownFiles().flatMap(fencesOf).flatMap(exampleIn)
}

function exampleIn({ where, language, marks, text }: Fence): DocExample[] {
  if (language !== 'ts' && language !== 'typescript') return []
  const [mark] = marks
  if (mark === undefined && /^export default/m.test(text)) return [{ where, module: text }]
  // The README also shows how to use the library.
  if (mark === undefined && !where.startsWith('docs/')) return []
  const frame = FRAMES[mark ?? '']
  if (frame === undefined) {
    throw new Error(`${where} is no spec; mark it as a part of one: ts ${Object.keys(FRAMES).join(' | ')}`)
  }
  return [{ where, module: frame(text) }]
}
