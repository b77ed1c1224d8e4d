import { Fault } from '../../fault.ts'
import type { FunctionTable, HclFunction } from './function.ts'

const lazily = (lazy: NonNullable<HclFunction['lazy']>): HclFunction => ({
  lazy,
  plain: () => {
    throw new Fault('the arguments do not fit')
  },
})

export const attemptFunctions: FunctionTable = {
  can: lazily(([attempt]) => attempt !== undefined && attempt() !== undefined),
  try: lazily((attempts) => {
    for (const attempt of attempts) {
      const value = attempt()
      if (value !== undefined) return value
    }
    throw new Fault('nothing in try() can be evaluated')
  }),
}
