import { DOCKERFILE_FINDINGS } from '../dockerfile/findings.ts'
import type { Finding, FindingKind } from '../finding.ts'
import type { Place } from '../value.ts'

/** Every finding that translating a template can have, and its kind; docs/packer.md has a row for each. */
const KINDS = {
  OB101: 'defect',
  OB102: 'defect',
  OB103: 'defect',
  OB104: 'defect',
  OB105: 'defect',
  OB106: 'defect',
  OB107: 'defect',
  OB108: 'defect',
  OB109: 'differs',
  OB110: 'defect',
  OB111: 'defect',
  OB112: 'defect',
  OB113: 'defect',
  OB120: 'defect',
  OB121: 'defect',
  OB122: 'defect',
  OB124: 'defect',
  OB130: 'defect',
  OB131: 'defect',
  OB132: 'defect',
  OB133: 'defect',
  OB134: 'defect',
  OB135: 'defect',
  OB140: 'differs',
  OB150: 'mapped',
  OB151: 'mapped',
  OB152: 'mapped',
  OB153: 'mapped',
  OB154: 'mapped',
  OB155: 'mapped',
  OB156: 'mapped',
  OB157: 'mapped',
  OB160: 'lifted',
  OB161: 'lifted',
  OB162: 'lifted',
  OB163: 'lifted',
  OB165: 'lifted',
  OB166: 'lifted',
  OB167: 'lifted',
  OB170: 'differs',
  OB171: 'differs',
  OB172: 'differs',
  OB173: 'differs',
  OB174: 'differs',
  OB175: 'differs',
  OB176: 'differs',
  OB177: 'differs',
  OB178: 'differs',
  OB179: 'differs',
  OB181: 'todo',
  OB182: 'todo',
  OB183: 'todo',
  OB184: 'todo',
  OB185: 'todo',
  OB186: 'todo',
  OB187: 'todo',
  OB188: 'todo',
  OB190: 'defect',
  OB191: 'defect',
  OB192: 'defect',
  OB193: 'defect',
  OB194: 'defect',
  OB195: 'differs',
  ...DOCKERFILE_FINDINGS,
} as const satisfies { readonly [id: string]: FindingKind }

export type FindingId = keyof typeof KINDS

/** What a translation finds, in the order in which it does. */
export class Notes {
  readonly #findings: Finding[] = []

  /** @param advice what to do about it; for what is mapped or lifted, what it has become */
  add(id: FindingId, place: Place, says: string, advice: string): void {
    this.#findings.push({ kind: KINDS[id], id, place, says, advice })
  }

  /** As `add`, unless the same was said of an earlier place. */
  addOnce(id: FindingId, place: Place, says: string, advice: string): void {
    if (!this.#findings.some((finding) => finding.says === says)) this.add(id, place, says, advice)
  }

  /** What was said of a place has become untrue: what stands there is gone from the spec. */
  withdraw(id: FindingId, { file, line }: Place): void {
    const index = this.#findings.findIndex((one) => one.id === id && one.place.file === file && one.place.line === line)
    if (index >= 0) this.#findings.splice(index, 1)
  }

  /** By their places; those of one place as they were found, one that is there already left out. */
  get findings(): readonly Finding[] {
    const told = new Set<string>()
    const once = this.#findings.filter((finding) => {
      const key = JSON.stringify(finding)
      return !told.has(key) && told.add(key)
    })
    const files = [...new Set(once.map(({ place }) => place.file))]
    const rank = ({ place }: Finding) => files.indexOf(place.file) * 1e9 + place.line
    return once.sort((a, b) => rank(a) - rank(b))
  }
}
