import { OcibakeError } from '../errors.ts'
import { formatPlatform, type Platform } from '../oci/platform.ts'
import type { Spec, SpecContext } from './spec.ts'
import { unreadableSpec } from './unreadable-spec.ts'
import { validate } from './validate.ts'

/** What a spec file exports: a spec, or a function that is asked for one. */
export class SpecSource {
  readonly #file: string
  readonly #exported: unknown
  readonly #context: Omit<SpecContext, 'platform'>
  /** Names of variables. */
  readonly #read = new Set<string>()
  readonly #known = new Map<string, Promise<Spec>>()
  #readsPlatform = false

  constructor(file: string, exported: unknown, context: Omit<SpecContext, 'platform'>) {
    this.#file = file
    this.#exported = exported
    this.#context = context
  }

  /** The same for every platform, unless that is read. @throws SPEC_UNREADABLE, SPEC_INVALID */
  async specFor(platform: Platform): Promise<Spec> {
    const name = formatPlatform(platform)
    const [first] = this.#known.values()
    const known = this.#readsPlatform ? this.#known.get(name) : first
    const spec = known ?? this.#make(name)
    this.#known.set(name, spec)
    return await spec
  }

  /** To be called when all specs are made. @throws USAGE for variables that none of them has read */
  refuseUnread(): void {
    const unread = Object.keys(this.#context.vars).filter((name) => !this.#read.has(name))
    if (unread.length === 0) return
    const names = unread.map((name) => `'${name}'`).join(', ')
    const known = this.#read.size === 0 ? 'It reads none.' : `It reads: ${[...this.#read].sort().join(', ')}.`
    throw new OcibakeError('USAGE', `${this.#file} does not read the variable ${names}.`, { hint: known })
  }

  async #make(platform: string): Promise<Spec> {
    const isFunction = typeof this.#exported === 'function'
    const value = isFunction ? await this.#call(platform) : this.#exported
    return validate(value, this.#readsPlatform ? `${this.#file} for ${platform}` : this.#file)
  }

  async #call(platform: string): Promise<unknown> {
    const { vars, env } = this.#context
    const noting = new Proxy(vars, {
      get: (target, name) => {
        if (typeof name === 'string') this.#read.add(name)
        return Reflect.get(target, name)
      },
    })
    const readPlatform = () => {
      this.#readsPlatform = true
      return platform
    }
    const context: SpecContext = {
      vars: noting,
      env,
      get platform() {
        return readPlatform()
      },
    }
    try {
      return await (this.#exported as (context: SpecContext) => unknown)(context)
    } catch (cause) {
      const wanted = this.#readsPlatform ? ` for ${platform}` : ''
      throw await unreadableSpec(this.#file, `The function that ${this.#file} exports failed${wanted}`, cause)
    }
  }
}
