import type { Finding } from '../finding.ts'
import type { ImportedImage } from '../imported.ts'
import { usedVariables } from '../used-variables.ts'
import { variableAdvice } from './declare-arg.ts'
import { HAS_TO_BE_GIVEN } from './global-args.ts'

/**
 * The findings, in which nobody is told to give an ARG that no spec asks for, a build refusing it; nor that one has to be given
 * which has a default wherever it is.
 */
export function neededArgs(findings: readonly Finding[], images: readonly ImportedImage[]): Finding[] {
  const used = images.flatMap(({ draft }) => usedVariables(draft))
  const asked = new Set(used.filter(({ fallback }) => fallback === undefined).map((variable) => variable.name))
  const names = new Set(used.map(({ name }) => name))
  return findings.map((finding) => {
    const [, name] = /--var ([\w.-]+)=/.exec(finding.advice) ?? []
    if (!/^OB(205|238|239)$/.test(finding.id) || name === undefined) return finding
    const isMistaken = finding.id === 'OB239' && finding.says.endsWith(HAS_TO_BE_GIVEN) && !asked.has(name)
    if (names.has(name) && !isMistaken) return finding
    const advice = names.has(name) ? variableAdvice(name) : 'Nothing that is imported needs it.'
    return { ...finding, kind: 'mapped', id: 'OB205', says: `\`ARG ${name}\``, advice }
  })
}
