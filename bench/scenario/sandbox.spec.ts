import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Spec, SpecContext } from 'ocibake'

/** A script that says how long it takes. Variables: `scenario` (the folder with images/ and debs/). */
export default ({ vars }: SpecContext): Spec => ({
  from: `oci:${vars.scenario}/images/debian:v1`,
  steps: [
    { copy: `${vars.scenario}/debs/`, to: '/tmp/debs' },
    { run: readFileSync(join(import.meta.dirname, 'scripts/sandbox.sh'), 'utf8'), network: 'none' },
  ],
})
