import { readInstructions } from '../dockerfile/instructions.ts'
import type { DraftFields, DraftValue } from '../draft.ts'
import { joinTexts, knownText, partsOf, textOfPart } from '../text.ts'
import { isReference, type Text } from '../value.ts'
import { type ChangeLine, ChangesReader } from './changes-reader.ts'
import type { Context } from './context.ts'
import type { PlacedText } from './options.ts'

export interface TranslatedChanges {
  /** For a spec's `config`. */
  readonly config: DraftFields
  /** What is left to do, or is not as it was: for a comment above it. */
  readonly comments: readonly string[]
}

/**
 * What `changes` of the docker builder are in a spec's `config`. All entries are one Dockerfile, whose CMD and ENTRYPOINT the
 * builder completes by those of the base (step_set_defaults.go of packer-plugin-docker).
 */
export function translateChanges(changes: readonly PlacedText[], context: Context): TranslatedChanges {
  const lines = changes.flatMap(({ text, place }) => {
    const rows = context.hidden.hide(withoutGrammar(text, context)).split('\n')
    return rows.map((row) => ({ text: row, where: place }))
  })
  const { instructions, escaper } = readInstructions(lines)
  const reader = new ChangesReader(context, escaper)
  for (const instruction of instructions) reader.take(instruction)
  const fields = reader.fields()
  const { unset, ...commands } = commandFields(reader, changes, instructions, context)
  return { config: { ...fields, ...commands, ...unset }, comments: reader.comments }
}

/** A variable whose value means something to a Dockerfile is read as what it is now, unless that is nobody's business. */
function withoutGrammar(text: Text, { secrets }: Context): Text {
  return joinTexts(
    ...partsOf(text).map((part) =>
      isReference(part) && !secrets.has(part.variable) && /[\s"'\\$=[\],#`]/.test(part.value ?? '')
        ? part.value!
        : textOfPart(part),
    ),
  )
}

/**
 * Packer appends the base's CMD, and its ENTRYPOINT, unless an entry of the list begins with that word, in capitals. So
 * an ENTRYPOINT keeps the base's CMD, and what is not the beginning of an entry is overridden.
 */
function commandFields(
  reader: ChangesReader,
  changes: readonly PlacedText[],
  instructions: readonly ChangeLine[],
  { hidden, notes }: Context,
): { [field: string]: DraftValue; unset?: { unset: DraftFields } } {
  const found: Record<string, DraftValue> = {}
  const unset: Record<string, boolean> = {}
  for (const [field, argv] of reader.commands) {
    const word = field.toUpperCase()
    const line = instructions.findLast(({ keyword }) => keyword === word)!
    if (!changes.some(({ text }) => knownStart(text).startsWith(word))) {
      const says = `No entry begins with ${word}, so Packer puts the base's behind this one: it never counted.`
      notes.add('OB192', line.where, says, `If it was meant, write config.${field} in the spec.`)
      reader.comments.push(`Packer overrode \`${line.word} …\` by the base's; write ${field} here if it was meant.`)
    } else if (argv.every((word) => word === '')) {
      unset[field] = true
      notes.add(
        'OB113',
        line.where,
        `\`${word} ${line.rest}\` stands for none.`,
        `It is \`unset: { ${field}: true }\`.`,
      )
      if (argv.length === 0 && field === 'entrypoint') {
        const says = 'Packer leaves its own /bin/sh as entrypoint for `ENTRYPOINT []`; here there is none.'
        notes.add('OB175', line.where, says, "Write config.entrypoint: ['/bin/sh'] if you rely on it.")
      }
    } else found[field] = argv.map((word) => hidden.show(word))
  }
  const keeps = found.entrypoint !== undefined && found.cmd === undefined && unset.cmd === undefined
  return {
    ...(found.entrypoint === undefined ? {} : { entrypoint: found.entrypoint }),
    ...(found.cmd === undefined ? {} : { cmd: found.cmd }),
    ...(keeps ? { keepCmd: true } : {}),
    ...(Object.keys(unset).length === 0 ? {} : { unset: { unset } }),
  }
}

function knownStart(text: Text): string {
  const known = knownText(text)
  if (known !== undefined) return known
  const [first] = partsOf(text)
  return typeof first === 'string' ? first : ''
}
