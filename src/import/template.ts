import type { Finding } from './finding.ts'
import type { Place, Value } from './value.ts'

/** A Packer template as it is read, from HCL2 or JSON: what is written in it, not yet what it means. */
export interface Template {
  readonly format: 'hcl' | 'json'
  /** Every file that it was read from, the template's own first. */
  readonly files: readonly string[]
  readonly variables: readonly Variable[]
  /** One for each source of each build, in the order of the template; `only` and `except` are done. */
  readonly builds: readonly Build[]
  /** What reading it found. */
  readonly findings: readonly Finding[]
}

export interface Variable {
  readonly name: string
  readonly place: Place
  readonly description?: string
  readonly sensitive: boolean
  /** undefined: it has none, whoever builds has to give it. */
  readonly default?: Value
  /** The variable of the environment that the default is taken from. */
  readonly env?: string
  /** `value` has parts that were asked of the environment, which are for no spec. */
  readonly isOfEnvironment?: true
  /** What it is in this import: `--var`, `--var-file`, `PKR_VAR_NAME`, else the default. */
  readonly value?: Value
}

export interface Build {
  /** As Packer names it: `docker.ubuntu`, or `NAME.docker.ubuntu` for a build with a name. */
  readonly name: string
  readonly source: Block
  /** In their order, for this source alone, `override` merged in. */
  readonly provisioners: readonly Block[]
  readonly errorCleanup?: Block
  /** Each is a chain: what one makes is what the next gets. */
  readonly postProcessors: readonly (readonly Block[])[]
}

/** A source, provisioner or post-processor. */
export interface Block {
  /** `docker`, `shell`, `file`, `docker-tag` … */
  readonly type: string
  /** A source's own name, or the name that `only` knows a post-processor by. */
  readonly name?: string
  readonly place: Place
  /** By their names in the template, in its order. */
  readonly attributes: ReadonlyMap<string, Attribute>
  /** Blocks within it, such as `login` or `build`; those of `dynamic` are made already. */
  readonly blocks: readonly Block[]
}

export interface Attribute {
  readonly value: Value
  readonly place: Place
  /** Of a list that is written out: where each element is. */
  readonly elements?: readonly Place[]
}
