import type { Block } from '../template.ts'
import { joinTexts, knownText, splitText } from '../text.ts'
import { faultOf } from '../valid-draft.ts'
import type { Text } from '../value.ts'
import type { Context } from './context.ts'
import { Options, type PlacedText } from './options.ts'

/** What post-processors say of an image. */
export interface Delivery {
  readonly tags: readonly Text[]
  /** Options of `ocibake build` that do what they do. */
  readonly flags: readonly string[]
  /** Above the spec's tags. */
  readonly comments: readonly string[]
  /** `changes` of docker-import. */
  readonly imported?: Options
}

type Chain = readonly Block[]

/** The tags and options of `ocibake build` that stand for chains of post-processors. */
export function translatePostProcessors(chains: readonly Chain[], context: Context): Delivery {
  const state = new Deliverer(context)
  for (const chain of chains) {
    for (const block of chain) state.take(new Options(block, context.format))
  }
  state.notePush(chains)
  return state.delivery()
}

class Deliverer {
  readonly #context: Context
  readonly #tags: Text[] = []
  readonly #flags: string[] = []
  readonly #comments: string[] = []
  #imported: Options | undefined

  constructor(context: Context) {
    this.#context = context
  }

  delivery(): Delivery {
    const unique = [...new Map(this.#tags.map((tag) => [this.#context.hidden.hide(tag), tag])).values()]
    const imported = this.#imported === undefined ? {} : { imported: this.#imported }
    return { tags: unique, flags: [...new Set(this.#flags)], comments: this.#comments, ...imported }
  }

  take(options: Options): void {
    const { type, place } = options.block
    for (const name of ['keep_input_artifact', 'only', 'except', 'name']) options.value(name)
    const { notes } = this.#context
    if (type === 'docker-tag') this.#tag(options)
    else if (type === 'docker-push') this.#push(options)
    else if (type === 'docker-import') this.#import(options)
    else if (type === 'docker-save') this.#flag(options, `--output docker-archive:${this.#path(options, 'path')}`)
    else if (type === 'manifest') this.#manifest(options)
    else if (type === 'checksum') {
      this.#ignore(options)
      notes.add(
        'OB178',
        place,
        '`checksum` is left out.',
        'The digest that `ocibake build` prints is the sha256 of all; `sha256sum` does files.',
      )
    } else if (type === 'compress') {
      this.#ignore(options)
      notes.add(
        'OB178',
        place,
        '`compress` is left out.',
        'Layers are compressed; for one file: `--output oci-archive:FILE`.',
      )
    } else this.#unknown(options)
    for (const [name, { place: at }] of options.others) {
      notes.add('OB183', at, `\`${name}\` of \`${type}\` is left out.`, 'There is nothing like it.')
    }
  }

  /** A bare docker-push starts from the builder's own image, which has no name. */
  notePush(chains: readonly Chain[]): void {
    for (const [push, ...others] of chains) {
      if (push?.type !== 'docker-push' || others.length > 0) continue
      const says =
        this.#tags.length > 0
          ? 'docker-push is in no chain with docker-tag: Packer pushes an image without a name.'
          : 'docker-push has nothing with a name to push.'
      const advice =
        this.#tags.length > 0 ? 'They are taken as the chain that was meant.' : 'Add `tags` to the spec, or --tag.'
      this.#context.notes.add('OB193', push.place, says, advice)
    }
  }

  #tag(options: Options): void {
    const { notes } = this.#context
    const repository = options.text('repository')
    for (const name of ['force', 'docker_path']) options.value(name)
    const tags = [...options.texts('tags'), ...options.single('tag').flatMap(splitTag)]
    if (options.has('tag')) {
      notes.add('OB135', options.place('tag'), '`tag` is deprecated.', 'Write `tags`; the spec has `tags`.')
    }
    if (repository === undefined) {
      notes.add(
        'OB185',
        options.block.place,
        'docker-tag has no `repository`.',
        'Packer refuses it too; write `tags` in the spec.',
      )
      return
    }
    const named =
      tags.length === 0 ? [joinTexts(repository, ':latest')] : tags.map(({ text }) => joinTexts(repository, ':', text))
    this.#tags.push(...named)
    // What no spec can have is told of where it is left out.
    const right = named.filter((tag) => faultOf({ from: 'scratch', tags: [tag] }) === undefined)
    const shown = right.map((tag) => knownText(tag) ?? 'one with what is not known').join(', ')
    if (right.length > 0) notes.add('OB155', options.block.place, '`docker-tag`', `tags: ${shown}`)
  }

  #push(options: Options): void {
    const secret = ['login_password', 'aws_secret_key'].find((name) => typeof options.value(name) === 'string')
    if (secret !== undefined) {
      const says = `\`${secret}\` is a secret in the template.`
      this.#context.notes.add('OB124', options.place(secret), says, 'Take it out, and change it where it is known.')
    }
    this.#ignore(options)
    this.#flags.push('--push')
    this.#context.notes.add(
      'OB155',
      options.block.place,
      '`docker-push`',
      'ocibake build … --push; logins are found as docs/registries.md says.',
    )
  }

  #import(options: Options): void {
    const repository = options.text('repository')
    const tag = options.text('tag')
    for (const name of ['platform', 'changes']) options.value(name)
    if (repository !== undefined) this.#tags.push(tag === undefined ? repository : joinTexts(repository, ':', tag))
    this.#imported = options
    this.#context.notes.add('OB155', options.block.place, '`docker-import`', 'tags, and config')
  }

  #manifest(options: Options): void {
    const output = knownText(options.text('output') ?? 'packer-manifest.json') ?? 'FILE'
    this.#ignore(options)
    this.#flags.push(`--metadata-file ${output}`)
    this.#context.notes.add(
      'OB178',
      options.block.place,
      '`manifest` is a file of another form here.',
      `ocibake build … --metadata-file ${output}`,
    )
  }

  #flag(options: Options, flag: string): void {
    this.#flags.push(flag)
    this.#context.notes.add('OB155', options.block.place, `\`${options.block.type}\``, `ocibake build … ${flag}`)
  }

  #path(options: Options, name: string): string {
    return knownText(options.text(name) ?? '') || 'FILE'
  }

  #unknown(options: Options): void {
    this.#ignore(options)
    const { type, place } = options.block
    const { notes } = this.#context
    if (type === 'shell-local') {
      notes.add(
        'OB188',
        place,
        'A `shell-local` runs on the host when the image is built.',
        'Run it after `ocibake build`.',
      )
    } else if (type === 'atlas') {
      notes.add('OB178', place, '`atlas` is left out: the service is no more.', 'Give the image `tags`, and push it.')
    } else {
      notes.add(
        'OB185',
        place,
        `There is nothing like the post-processor \`${type}\`.`,
        'Do what it does after `ocibake build`.',
      )
    }
    this.#comments.push(...(type === 'atlas' ? [] : [`TODO: the post-processor ${type}.`]))
  }

  #ignore(options: Options): void {
    for (const name of options.block.attributes.keys()) options.value(name)
  }
}

function splitTag({ text, place }: PlacedText): PlacedText[] {
  return splitText(text, ',').map((one) => ({ text: one, place }))
}
