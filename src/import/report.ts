import { printable } from '../report/printable.ts'
import { count } from '../report/quantities.ts'
import type { Finding, FindingKind } from './finding.ts'
import type { Imported, ImportedImage } from './imported.ts'

/** In this order in every report; what each kind is called, one and several. */
const KINDS: readonly (readonly [kind: FindingKind, title: string, about: string])[] = [
  ['todo', 'To do', 'could not be imported; the spec says so at its place'],
  ['differs', 'Different', 'behaves otherwise here'],
  ['defect', 'Defects', 'was wrong in the template already'],
  ['lifted', 'Lifted', 'is done in a better way'],
  ['mapped', 'Mapped', 'means the same in the spec'],
]
const FOR_TERMINAL: readonly FindingKind[] = ['todo', 'differs', 'defect']

/** What an import found, in a few lines for a terminal: how much of each kind, and all that asks for attention. */
export function reportLines({ findings, images }: Imported): string[] {
  const shown = FOR_TERMINAL.flatMap((kind) => findings.filter((finding) => finding.kind === kind))
  const counts = KINDS.map(([kind]) => `${findings.filter((finding) => finding.kind === kind).length} ${kind}`)
  const flags = images.filter((image) => image.flags.length > 0)
  return [
    `${count(images.length, 'image')}: ${counts.join(', ')}`,
    ...shown.flatMap((finding) => [
      line(`${placeOf(finding)}: ${finding.kind} ${finding.id}: ${finding.says}`),
      line(`  -> ${finding.advice}`),
    ]),
    ...(images.length > 1 && flags.length > 0 ? images : flags).map((image) => `to build it: ${buildCommand(image)}`),
  ]
}

/** The same in full, as a document in Markdown. `title` names the template. */
export function reportDocument({ findings, images }: Imported, title: string): string {
  const sections = KINDS.flatMap(([kind, name, about]) => {
    const found = findings.filter((finding) => finding.kind === kind)
    if (found.length === 0) return []
    const rows = found.map(
      (finding) => `| ${[placeOf(finding), finding.id, finding.says, finding.advice].map(cell).join(' | ')} |`,
    )
    return [
      '',
      `## ${name} (${found.length})`,
      '',
      `What ${about}.`,
      '',
      `| place | id | what | ${kind === 'mapped' || kind === 'lifted' ? 'what it is now' : 'what to do'} |`,
      '| --- | --- | --- | --- |',
      ...rows,
    ]
  })
  const specs = images.map((image) => `* \`${image.draft.name}.spec.ts\`: \`${buildCommand(image)}\``)
  return [`# Import of ${title}`, '', ...specs, ...sections, ''].join('\n')
}

/** The command that does what the template did with the image. */
function buildCommand({ draft, flags }: ImportedImage): string {
  return line(['ocibake build', `${draft.name}.spec.ts`, ...flags].join(' '))
}

function placeOf({ place }: Finding): string {
  return `${place.file}:${place.line}`
}

/** A template's own text is in some: nothing in it ends a cell, or is obeyed by a terminal. */
const cell = (text: string) => line(text).replaceAll('|', '\\|')

const line = (text: string) => printable(text.replace(/\s*[\n\r]\s*/g, ' '))
