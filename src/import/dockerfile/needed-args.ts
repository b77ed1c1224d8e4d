import type { Finding } from '../finding.ts'
import type { ImportedImage } from '../imported.ts'
import { usedVariables } from '../used-variables.ts'

/** The findings, in which nobody is told to give an ARG that no spec asks for: a build refuses it. */
export function neededArgs(findings: readonly Finding[], images: readonly ImportedImage[]): Finding[] {
  const used = new Set(images.flatMap(({ draft }) => usedVariables(draft)).map(({ name }) => name))
  return findings.map((finding) => {
    const [, name] = /--var ([\w.-]+)=/.exec(finding.advice) ?? []
    if (!/^OB(205|238|239)$/.test(finding.id) || name === undefined || used.has(name)) return finding
    const advice = 'Nothing that is imported needs it.'
    return { ...finding, kind: 'mapped', id: 'OB205', says: `\`ARG ${name}\``, advice }
  })
}
