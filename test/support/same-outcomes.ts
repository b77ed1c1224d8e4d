import { beforeAll, describe, expect, test } from 'vitest'
import { chrootBackend } from '../../src/provision/sandbox-chroot.ts'
import { ptraceBackend } from '../../src/provision/sandbox-ptrace.ts'
import { usernsBackend } from '../../src/provision/sandbox-userns.ts'
import { type Outcome, type OutcomeOptions, outcomesOf } from './outcomes.ts'

/** Tests that each case says and leaves in the other sandboxes what it does in that of root. */
export function sameOutcomes(cases: Readonly<Record<string, string>>, options: () => OutcomeOptions): void {
  let real: ReadonlyMap<string, Outcome>
  beforeAll(async () => {
    real = await outcomesOf(chrootBackend, cases, options())
  })

  describe.each([usernsBackend, ptraceBackend])('in $name', (backend) => {
    let got: ReadonlyMap<string, Outcome>
    beforeAll(async () => {
      got = await outcomesOf(backend, cases, options())
    })

    test.each(Object.keys(cases))('%s', (title) => {
      expect(got.get(title)).toEqual(real.get(title))
      expect(real.get(title)!.said.at(-1)).toMatch(/^ends with/)
    })
  })
}
