import { replaceEach } from '../check-length.ts'
import { Fault, Unknowable } from '../fault.ts'
import type { Text } from '../value.ts'
import type { GoFunction } from './render.ts'

/** What the functions depend on. */
export interface GoSurroundings {
  readonly templateFolder: string
  readonly cwd: string
  /** Where there is a build. */
  readonly build?: { readonly name: string; readonly type: string }
  /** Where user variables may be used. @throws Fault or Unknowable */
  readonly user?: (name: string) => Text
  /** Where the environment may be asked: in variables. */
  readonly env?: (name: string) => string
}

const unknown =
  (why: string): GoFunction =>
  () => {
    throw new Unknowable(why)
  }

const time = unknown('it is the time of each build, and the same spec is to give the same image')
const elsewhere = unknown('a service is asked that only a build with Packer asks')

/** The functions of Packer's template engine (packer-plugin-sdk, template/interpolate/funcs.go). */
export function goFunctions(surroundings: GoSurroundings): ReadonlyMap<string, GoFunction> {
  const { build, user, env } = surroundings
  const functions: [string, GoFunction][] = [
    ['timestamp', time],
    ['isotime', time],
    ['strftime', time],
    ['uuid', unknown('it is another one in each build')],
    ['packer_version', unknown('there is no Packer here')],
    ['build', unknown('it is made by a build with Packer')],
    ['consul_key', elsewhere],
    ['vault', elsewhere],
    ['aws_secretsmanager', elsewhere],
    ['aws_secretsmanager_raw', elsewhere],
    ['sed', unknown('Packer has no sed any more')],
    ['pwd', () => surroundings.cwd],
    ['template_dir', () => surroundings.templateFolder],
    ['build_name', () => build?.name ?? notInVariables('build_name')],
    ['build_type', () => build?.type ?? notInVariables('build_type')],
    ['env', ([name], plain) => env?.(plain(name)) ?? onlyInVariables()],
    ...textFunctions,
  ]
  return new Map(user === undefined ? functions : [...functions, ['user', ([name], plain) => user(plain(name))]])
}

const textFunctions: readonly [string, GoFunction][] = [
  ['lower', ([text], plain) => plain(text).toLowerCase()],
  ['upper', ([text], plain) => plain(text).toUpperCase()],
  ['replace_all', ([old, with_, text], plain) => replaceEach(plain(text), plain(old), plain(with_))],
  [
    'replace',
    ([old, with_, count, text], plain) => replaced(plain(text), plain(old), plain(with_), Number(plain(count))),
  ],
  ['split', ([text, separator, index], plain) => splitAt(plain(text), plain(separator), Number(plain(index)))],
  // Each builder's own; this is what those have in common that have one.
  ['clean_resource_name', ([text], plain) => plain(text).replace(/[^a-zA-Z0-9-]/g, '-')],
]

function replaced(text: string, old: string, with_: string, count: number): string {
  const all = replaceEach(text, old, with_)
  if (count < 0) return all
  const pieces = text.split(old)
  return pieces.slice(1).reduce((made, piece, index) => made + (index < count ? with_ : old) + piece, pieces[0]!)
}

function splitAt(text: string, separator: string, index: number): string {
  const piece = text.split(separator)[index]
  if (piece === undefined) throw new Fault(`the text has no part ${index}`)
  return piece
}

function notInVariables(name: string): never {
  throw new Fault(`there is no ${name} in a variable`)
}

function onlyInVariables(): never {
  throw new Fault('the environment is asked in "variables" only')
}
