import { readFileSync, writeFileSync } from 'node:fs'
import { compileC } from './wasm/compile-c.ts'
import { compileText } from './wasm/compile-text.ts'

/** Writes in src/oci what programs there are compiled to; with --check only says whether it is as it should be. */
const PROGRAMS = [
  { source: 'inflate.wat', result: 'inflate-code.ts', name: 'INFLATE', compile: compileText },
  { source: 'deflate.c', result: 'deflate-code.ts', name: 'DEFLATE', compile: compileC },
] as const

const SOURCES = new URL('../src/oci/', import.meta.url)

async function write({ source, result, name, compile }: (typeof PROGRAMS)[number]): Promise<void> {
  const code = Buffer.from(await compile(new URL(source, SOURCES))).toString('base64')
  const lines = code.match(/.{1,112}/g)!.map((line) => `  '${line}'`)
  const wanted = `/** What ${source} is compiled to, in base64. Made by: npm run wasm */
export const ${name} =
${lines.join(' +\n')}
`
  const file = new URL(result, SOURCES)
  if (!process.argv.includes('--check')) writeFileSync(file, wanted)
  else if (readFileSync(file, 'utf8') !== wanted) {
    throw new Error(`src/oci/${result} is not what src/oci/${source} is compiled to. Run: npm run wasm`)
  }
}

for (const program of PROGRAMS) {
  try {
    await write(program)
  } catch (error) {
    console.error(`${program.source}: ${error instanceof Error ? error.message : error}`)
    process.exitCode = 1
  }
}
