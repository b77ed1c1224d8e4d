import type { Value } from '../../value.ts'
import type { Plain } from '../convert.ts'

/** A function of HCL as Packer has it (hcl2template/functions.go). */
export interface HclFunction {
  /** The result for arguments that are known wholly. @throws Fault or Unknowable */
  readonly plain: (values: readonly Plain[]) => Plain
  /** For functions that only arrange what they get: the result with variables in it, or undefined when they must be known. */
  readonly symbolic?: (values: readonly Value[]) => Value | undefined
  /** For functions that look whether their arguments can be evaluated: each is undefined when it fails. */
  readonly lazy?: (attempts: readonly (() => Value | undefined)[]) => Value
}

export type FunctionTable = Readonly<Record<string, HclFunction>>

/** Finds a function. @throws Fault when Packer has none of the name, Unknowable when its result is not known here */
export type Functions = (name: string) => HclFunction
