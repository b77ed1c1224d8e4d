import { posix } from 'node:path'
import { Environment } from '../dockerfile/environment.ts'
import { readExpression, Unreadable } from '../dockerfile/expression.ts'
import { type Instruction, jsonTexts, namedValues, splitWords } from '../dockerfile/instructions.ts'
import { portOf } from '../dockerfile/port.ts'
import type { DraftValue } from '../draft.ts'
import { knownText } from '../text.ts'
import type { Place, Text } from '../value.ts'
import type { Context } from './context.ts'
import { healthcheckChange } from './healthcheck-change.ts'
import { Invalid } from './invalid.ts'

export type ChangeLine = Instruction<Place>
type Argv = readonly string[]

/**
 * Takes the instructions of `changes` one by one, each seeing the environment as it is by then (dispatchers.go of moby's
 * builder). Texts that depend on variables of the base can stay in `config.env` alone.
 */
export class ChangesReader {
  readonly #context: Context
  readonly #escaper: string
  readonly #environment = new Environment()
  readonly #envLines = new Map<string, ChangeLine>()
  readonly #fields = new Map<string, DraftValue>()
  readonly #labels = new Map<string, Text>()
  readonly #expose = new Set<Text>()
  readonly #volumes = new Set<Text>()
  readonly comments: string[] = []
  /** What the last CMD and ENTRYPOINT said. */
  readonly commands = new Map<'cmd' | 'entrypoint', Argv>()

  constructor(context: Context, escaper: string) {
    this.#context = context
    this.#escaper = escaper
  }

  take(line: ChangeLine): void {
    try {
      this.#take(line)
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error
      this.#leave(line, error)
    }
  }

  #take(line: ChangeLine): void {
    const { keyword, word, rest } = line
    if (rest === '') throw new Invalid(`${word} has nothing behind it`)
    else if (keyword === 'ENV') this.#env(line)
    else if (keyword === 'LABEL') this.#label(line)
    else if (keyword === 'EXPOSE') this.#each(line, this.#expose, portOf, 'a port')
    else if (keyword === 'VOLUME') this.#each(line, this.#volumes, volumeOf, 'an absolute path')
    else if (keyword === 'USER') this.#one(line, 'user', /^[^\s:]+(:[^\s:]+)?$/)
    else if (keyword === 'STOPSIGNAL') this.#one(line, 'stopSignal', /^((SIG)?[A-Z][A-Z0-9]*([+-]\d+)?|\d+)$/)
    else if (keyword === 'WORKDIR') this.#workdir(line)
    else if (keyword === 'CMD') this.#command(line, 'cmd')
    else if (keyword === 'ENTRYPOINT') this.#command(line, 'entrypoint')
    else if (keyword === 'HEALTHCHECK') this.#healthcheck(line)
    else if (keyword === 'ONBUILD') throw new Unreadable('ocibake makes no images with ONBUILD')
    else throw new Invalid(`${keyword} is no instruction that Packer takes in \`changes\``)
  }

  /** Everything but what a container runs. */
  fields(): Record<string, DraftValue> {
    const env = this.#entries()
    return {
      ...(env.length === 0 ? {} : { env: Object.fromEntries(env) }),
      ...(this.#expose.size === 0 ? {} : { expose: [...this.#expose].map(numbered) }),
      ...Object.fromEntries(this.#fields),
      ...(this.#labels.size === 0 ? {} : { labels: Object.fromEntries(this.#labels) }),
      ...(this.#volumes.size === 0 ? {} : { volumes: [...this.#volumes] }),
    }
  }

  #leave(line: ChangeLine, error: Unreadable): void {
    const why = error.message
    const shown = this.#context.hidden.describe(`${line.word} ${line.rest}`.trim())
    const { notes } = this.#context
    if (error instanceof Invalid) {
      this.comments.push(`Left out: ${shown}: ${why}.`)
      const advice = line.keyword === 'MAINTAINER' ? 'Write `config.author`.' : 'Take it out of the template.'
      notes.add('OB191', line.where, `${why}.`, advice)
    } else {
      this.comments.push(`TODO: ${shown}: ${why}.`)
      notes.add('OB184', line.where, `\`${line.word}\` is left out: ${why}.`, 'The spec has a TODO at its config.')
    }
  }

  #mapped(line: ChangeLine, what: string, field: string): void {
    this.#context.notes.add(
      'OB151',
      line.where,
      `\`${line.keyword}${what === '' ? '' : ` ${what}`}\``,
      `config.${field}`,
    )
  }

  #env(line: ChangeLine): void {
    const pairs = this.#pairs(line).map(([name, value]) => [name, readExpression(value, this.#escaper)] as const)
    this.#environment.set(pairs)
    for (const [name] of pairs) {
      this.#envLines.set(name, line)
      this.#mapped(line, name, 'env')
    }
  }

  #entries(): (readonly [string, Text])[] {
    return this.#environment.entries().flatMap(([name, value]) => {
      if (!(value instanceof Unreadable)) return [[name, this.#context.hidden.show(value)] as const]
      this.#leave(this.#envLines.get(name)!, value)
      return []
    })
  }

  #label(line: ChangeLine): void {
    const pairs = this.#pairs(line).map(([name, value]) => [name, this.#text(value)] as const)
    for (const [name, value] of pairs) {
      this.#labels.set(name, this.#context.hidden.show(value))
      this.#mapped(line, name, 'labels')
    }
  }

  /** Names are expanded as they are now, since all values of a line see what was before it. */
  #pairs(line: ChangeLine): (readonly [name: string, value: string])[] {
    const pairs = namedValues(line.rest, this.#escaper)
    if (pairs === undefined) throw new Invalid(`${line.keyword} has a name without a value`)
    return pairs.map(([name, value]) => {
      const known = knownText(this.#context.hidden.show(this.#text(name)))
      if (known === undefined) throw new Unreadable('it has a name that is not known')
      return [known, value]
    })
  }

  #each(line: ChangeLine, all: Set<Text>, parse: (text: string) => string | undefined, wanted: string): void {
    const isPorts = line.keyword === 'EXPOSE'
    const words = (isPorts ? undefined : jsonTexts(line.rest)) ?? splitWords(line.rest, this.#escaper)
    // What variables of EXPOSE stand for is split again.
    const texts = words.map((word) => this.#text(word)).flatMap((text) => (isPorts ? text.split(/\s+/) : [text]))
    const found = texts.map((text) => {
      const parsed = parse(text)
      if (parsed === undefined) throw new Unreadable(`'${this.#context.hidden.describe(text)}' is not ${wanted}`)
      return parsed
    })
    for (const parsed of found) {
      all.add(this.#context.hidden.show(parsed))
      this.#mapped(line, this.#context.hidden.describe(parsed), isPorts ? 'expose' : 'volumes')
    }
  }

  #one(line: ChangeLine, field: string, form: RegExp): void {
    const shown = this.#context.hidden.show(this.#text(line.rest))
    if (typeof shown === 'string' && !form.test(shown)) throw new Unreadable(`'${shown}' is none`)
    this.#fields.set(field, shown)
    this.#mapped(line, '', field)
  }

  #workdir(line: ChangeLine): void {
    const { hidden } = this.#context
    const text = this.#text(line.rest)
    const before = this.#fields.get('workdir')
    const folder = before === undefined ? text : posix.join(hidden.hide(before as Text), text)
    this.#fields.set('workdir', hidden.show(text.startsWith('/') ? posix.normalize(text) : folder))
    this.#mapped(line, '', 'workdir')
  }

  /** Not expanded; what is no list of texts in JSON is a line for /bin/sh, without a warning. */
  #command(line: ChangeLine, field: 'cmd' | 'entrypoint'): void {
    this.commands.set(field, jsonTexts(line.rest) ?? ['/bin/sh', '-c', line.rest])
    this.#mapped(line, '', field)
    if (!line.rest.startsWith('[') || jsonTexts(line.rest) !== undefined) return
    const says = `${line.keyword} looks like a list, but is no JSON: it is one line for /bin/sh.`
    this.#context.notes.add('OB194', line.where, says, `Write config.${field} as the list that was meant.`)
  }

  #healthcheck(line: ChangeLine): void {
    const shown = (value: DraftValue): DraftValue => {
      if (typeof value === 'string') return this.#context.hidden.show(value)
      return Array.isArray(value) ? value.map(shown) : value
    }
    const change = healthcheckChange(line.rest)
    const fields = Object.entries(change).map(([name, value]) => [name, shown(value)])
    this.#fields.set('healthcheck', change === 'none' ? change : Object.fromEntries(fields))
    this.#mapped(line, '', 'healthcheck')
  }

  #text(text: string): string {
    return this.#environment.text(readExpression(text, this.#escaper))
  }
}

const volumeOf = (text: string) => (text.startsWith('/') || /^[\u{100000}-\u{10fffd}]/u.test(text) ? text : undefined)

const numbered = (port: Text): DraftValue => (typeof port === 'string' && /^\d+$/.test(port) ? Number(port) : port)
