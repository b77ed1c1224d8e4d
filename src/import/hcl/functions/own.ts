import { asText } from '../convert.ts'
import type { FunctionTable, HclFunction } from './function.ts'

export interface Surroundings {
  /** Absolute: what paths in file functions are relative to. */
  readonly folder: string
  readonly cwd: string
}

/** The functions whose results depend on where the template is. */
export function ownFunctions(_surroundings: Surroundings): FunctionTable {
  return {}
}

/** `env()`, which is there in the defaults of variables only. */
export function environmentFunction(env: Readonly<Record<string, string | undefined>>): HclFunction {
  return { plain: ([name]) => env[asText(name)] ?? '' }
}
