import type { Finding } from './finding.ts'
import type { Place } from './value.ts'

/** For a variable whose default has parts that are asked of the environment: the spec gets no default. */
export function madeOfEnvironment(name: string, place: Place): Finding {
  return {
    kind: 'differs',
    id: 'OB140',
    place,
    says: `The default of the variable '${name}' is made of what the environment has, which is not written into the spec.`,
    advice: `Give it by --var ${name}=… when you build, or make it of \`env\` in the spec.`,
  }
}
