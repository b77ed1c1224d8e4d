import { readFileSync, writeFileSync } from 'node:fs'
import { cliReference } from './docs/cli-reference.ts'

/** Writes docs/cli.md from the command line itself; with --check only says whether it is as it should be. */
const file = new URL('../docs/cli.md', import.meta.url)
const wanted = cliReference()
if (!process.argv.includes('--check')) writeFileSync(file, wanted)
else if (readFileSync(file, 'utf8') !== wanted) {
  console.error('docs/cli.md does not say what the command line does. Run: npm run docs')
  process.exitCode = 1
}
