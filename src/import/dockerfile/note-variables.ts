import type { Notes } from '../packer/notes.ts'
import type { DockerInstruction } from './read-dockerfile.ts'
import type { Scope } from './scope.ts'
import type { StageState } from './stage-state.ts'

/** Says which variables no instruction has set: the spec asks for them. */
export function noteUnknown({ scope, stage, context }: StageState): void {
  for (const name of scope.unknown) {
    const place = stage.instructions.find(({ rest }) => rest.includes(name))?.place ?? stage.from.place
    const says = `\`$${name}\` is set by no instruction: it is a variable of the base, or nothing.`
    context.notes.add('OB270', place, says, `The spec asks for it; write its value there.`)
  }
}

/** Says which ARG only count as they are now, a spec having no words for what depends on whether one is empty. */
export function noteDecided({ decided }: Scope, instructions: readonly DockerInstruction[], notes: Notes): void {
  for (const name of decided) {
    for (const { rest, place } of instructions.filter((one) => new RegExp(`\\$\\{${name}:?[-+]`).test(one.rest))) {
      const [whole] = new RegExp(`\\$\\{${name}:?[-+]`).exec(rest)!
      const says = `\`${whole}…}\` is in the spec what it is now: --var ${name}=… will not change it.`
      notes.add('OB248', place, says, `Import again with --var ${name}=… for another.`)
    }
  }
}
