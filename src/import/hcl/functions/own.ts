import { resolve } from 'node:path'
import { Fault } from '../../fault.ts'
import { asText } from '../convert.ts'
import { fileFunctions } from './files.ts'
import type { FunctionTable, HclFunction } from './function.ts'
import type { Surroundings } from './surroundings.ts'

/** The functions whose results depend on where the template is, and on what is there. */
export function ownFunctions(surroundings: Surroundings): FunctionTable {
  const { cwd, env } = surroundings
  const plain = (make: (text: string) => string): HclFunction => ({ plain: ([text]) => make(asText(text)) })
  return {
    ...fileFunctions(surroundings),
    abspath: plain((path) => resolve(cwd, path)),
    pathexpand: plain((path) => expanded(path, env.HOME)),
  }
}

function expanded(path: string, home: string | undefined): string {
  if (path !== '~' && !path.startsWith('~/')) return path
  if (home === undefined) throw new Fault('HOME is not set')
  return home + path.slice(1)
}

/** `env()`, which is there in the defaults of variables only. */
export function environmentFunction(env: Readonly<Record<string, string | undefined>>): HclFunction {
  return { plain: ([name]) => env[asText(name)] ?? '' }
}
