import { printable } from '../report/printable.ts'
import type { Diagnosis } from './diagnose.ts'
import type { Finding } from './finding.ts'

/** A diagnosis as people read it: a table, the verdict, and what can be pasted. Ends with a newline. */
export function renderDiagnosis({ platform, findings, sandbox, refusal, snippets }: Diagnosis): string {
  const width = Math.max(...findings.map(({ what }) => what.length))
  const verdict =
    sandbox === null
      ? [`No sandbox for scripts works here: ${refusal!.missing}.`, `-> ${refusal!.hint}`]
      : [`Scripts run in the sandbox ${sandbox.name}: ${sandbox.why}.`]
  const lines = [
    `ocibake on ${platform}`,
    '',
    ...findings.flatMap((finding) => linesOf(finding, width)),
    '',
    ...verdict,
    'A build without `run` steps needs no sandbox.',
    ...snippets.flatMap(({ title, text }) => ['', title, '', ...text.trimEnd().split('\n')]),
  ]
  return `${lines.map((line) => printable(line).trimEnd()).join('\n')}\n`
}

/** As wide as `not needed`. */
const STATE_WIDTH = 10

function linesOf({ what, state, found, neededFor, howToGet }: Finding, width: number): string[] {
  const indent = ' '.repeat(STATE_WIDTH + width + 4)
  return [
    `${state.padEnd(STATE_WIDTH)}  ${what.padEnd(width)}  ${found}`,
    `${indent}for: ${neededFor}`,
    ...(state === 'ok' || howToGet === '' ? [] : [`${indent}-> ${howToGet}`]),
  ]
}
