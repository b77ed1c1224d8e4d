import type { ImageConfig } from '../oci/config.ts'
import { isJsonObject } from '../oci/json.ts'

/** A text that people wrote and that is in an image beside its files. */
export interface ImageText {
  /** `config.env.NAME`, `config.labels.NAME`, `config.cmd`, `history`, `annotations.NAME`. */
  readonly place: string
  readonly text: string
  /** Of the history: its place in it, from 0. */
  readonly entry?: number
}

/** All texts of a config, names included. What ocibake itself computes (rootfs) is left out. */
export function* configTexts({ rootfs: _, history = [], config = {}, ...rest }: ImageConfig): Generator<ImageText> {
  for (const [name, value] of Object.entries(config)) yield* textsIn(`config.${spelled(name)}`, value)
  for (const [name, value] of Object.entries(rest)) yield* textsIn(`config.${name}`, value)
  for (const [entry, fields] of history.entries()) {
    for (const text of textsIn('history', Object.values(fields))) yield { ...text, entry }
  }
}

export function annotationTexts(annotations: Readonly<Record<string, string>>): Iterable<ImageText> {
  return textsIn('annotations', annotations)
}

function* textsIn(place: string, value: unknown): Generator<ImageText> {
  if (typeof value === 'string')
    yield { place: place === 'config.env' ? `${place}.${value.split('=', 1)}` : place, text: value }
  if (Array.isArray(value)) for (const item of value) yield* textsIn(place, item)
  if (!isJsonObject(value)) return
  for (const [name, field] of Object.entries(value)) {
    yield { place: `${place}.${name}`, text: name }
    yield* textsIn(`${place}.${name}`, field)
  }
}

/** As in a spec: `Env` is `env`. */
const spelled = (name: string) => name.charAt(0).toLowerCase() + name.slice(1)
