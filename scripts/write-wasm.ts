import { readFileSync, writeFileSync } from 'node:fs'
import wabt from 'wabt'

/** Writes src/oci/inflate-code.ts from inflate.wat; with --check only says whether it is as it should be. */
const SOURCE = new URL('../src/oci/inflate.wat', import.meta.url)
const RESULT = new URL('../src/oci/inflate-code.ts', import.meta.url)

const tools = await wabt()
const module = tools.parseWat('inflate.wat', readFileSync(SOURCE, 'utf8'), { simd: true })
module.validate()
const code = Buffer.from(module.toBinary({}).buffer).toString('base64')
module.destroy()
const lines = code.match(/.{1,110}/g)!.map((line) => `  '${line}'`)
const wanted = `/** What inflate.wat is compiled to, in base64. Made by: npm run wasm */
export const INFLATE =
${lines.join(' +\n')}
`
if (!process.argv.includes('--check')) writeFileSync(RESULT, wanted)
else if (readFileSync(RESULT, 'utf8') !== wanted) {
  console.error('src/oci/inflate-code.ts is not what src/oci/inflate.wat is compiled to. Run: npm run wasm')
  process.exitCode = 1
}
