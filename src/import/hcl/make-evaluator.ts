import { resolve } from 'node:path'
import type { Parser } from 'web-tree-sitter'
import { Budget } from '../budget.ts'
import type { Finding } from '../finding.ts'
import type { Findings } from '../findings.ts'
import type { Variable } from '../template.ts'
import type { TemplateInputs } from '../template-inputs.ts'
import { Evaluator } from './evaluate.ts'
import type { FunctionTable } from './functions/function.ts'
import { ownFunctions } from './functions/own.ts'
import { hclFunctions } from './functions.ts'
import { parseHclTemplate } from './parse.ts'

/** What evaluators of one template have in common. */
export interface Making {
  readonly parser: Parser
  readonly folder: string
  readonly inputs: TemplateInputs
  readonly variables: ReadonlyMap<string, Variable>
  readonly findings: Findings
}

/** Makes evaluators for a template, with functions beside those that all have; they share a budget. */
export function evaluatorMaker(making: Making): (more: FunctionTable) => Evaluator {
  const { parser, folder, inputs, variables, findings } = making
  const budget = new Budget(folder)
  return (more) => {
    const own = ownFunctions({
      folder: resolve(inputs.cwd, folder),
      cwd: inputs.cwd,
      env: inputs.env,
      wasRead: (file) => findings.add(wasRead(file)),
      render: (source, names) => evaluator.value(parseHclTemplate(parser, source), { roots: new Map(), names }),
    })
    const functions = hclFunctions({ ...own, ...more })
    const evaluator = new Evaluator({ variables, functions, budget, report: (finding) => findings.add(finding) })
    return evaluator
  }
}

function wasRead(file: string): Finding {
  return {
    kind: 'differs',
    id: 'OB148',
    place: { file, line: 1, column: 1 },
    says: `What ${file} holds now is written into the spec.`,
    advice: 'When the file changes, import again, or let the spec read the file itself.',
  }
}
