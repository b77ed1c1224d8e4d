import { printable } from '../report/printable.ts'
import type { Diagnosis } from './diagnose.ts'
import type { Finding } from './finding.ts'
import type { Snippet } from './snippets.ts'

/** A diagnosis as people read it: a table, what can be pasted, and last the verdict. Ends with a newline. */
export function renderDiagnosis(diagnosis: Diagnosis): string {
  const { platform, findings, snippets } = diagnosis
  const width = Math.max(...findings.map(({ what }) => what.length))
  const lines = [
    `ocibake on ${platform}`,
    '',
    ...findings.flatMap((finding) => linesOf(finding, width)),
    '',
    ...jobs(snippets),
    '',
    ...verdict(diagnosis),
  ]
  return `${lines.map((line) => printable(line).trimEnd()).join('\n')}\n`
}

/** The one for this place; where several would do, nobody reads them all. */
function jobs(snippets: readonly Snippet[]): string[] {
  if (snippets.length === 1) return snippets.flatMap(({ title, text }) => [title, '', ...text.trimEnd().split('\n')])
  return [`To print a job that can be pasted: ocibake doctor --snippet ${snippets.map(({ name }) => name).join('|')}`]
}

function verdict({ sandbox, refusal, obstacle }: Diagnosis): string[] {
  if (obstacle !== null) return [`No build works here: ${obstacle.missing}.`, `-> ${obstacle.hint}`]
  const scripts =
    sandbox === null
      ? [`${refusal!.missing}.`, `-> ${refusal!.hint}`]
      : [`Scripts run in the sandbox ${sandbox.name}: ${sandbox.why}.`]
  return ['A build without `run` and `ansible` steps needs no sandbox.', ...scripts]
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
