import { existsSync, readdirSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { build } from '../../src/build.ts'
import { silent } from '../../src/events.ts'
import { Store } from '../../src/oci/store.ts'
import { verifyStore } from '../../src/oci/store-verify.ts'
import { parseTransport } from '../../src/oci/transport.ts'
import { RegistryConnection } from '../../src/registry/connection.ts'
import { loadSpec } from '../../src/spec/load.ts'
import { makePlan } from '../../src/spec/plan.ts'
import { type CliResult, runCli } from './cli.ts'
import { umociBase } from './umoci-base.ts'

export interface Attempt {
  /** A cache other than the bakery's own. */
  readonly cache?: string
  readonly env?: Readonly<Record<string, string>>
  /** Told of each line of stderr as it comes. */
  readonly onLine?: (line: string) => void
}

/** A folder with a base image, a cache and specs, in which builds go wrong; and what must be true after each. */
export class Bakery {
  readonly folder: string
  readonly cache: string
  /** Three layers with busybox, made by umoci. */
  readonly base: string

  private constructor(folder: string, layout: string) {
    this.folder = folder
    this.cache = join(folder, 'cache')
    this.base = `oci:${layout}:base`
  }

  static async open(): Promise<Bakery> {
    const folder = await mkdtemp(join(tmpdir(), 'ocibake-bakery-'))
    return new Bakery(folder, await umociBase(folder))
  }

  async close(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true })
  }

  at(path: string): string {
    return join(this.folder, path)
  }

  /** Runs the command in the folder. */
  run(args: readonly string[], { cache = this.cache, env = {}, onLine }: Attempt = {}): Promise<CliResult> {
    return runCli(args, { cache, cwd: this.folder, env, ...(onLine && { onLine }) })
  }

  /** Builds what `fields` change of a spec that copies nothing and runs nothing. */
  async build(
    fields: object,
    args: readonly string[] = ['-o', 'oci:out:1'],
    attempt: Attempt = {},
  ): Promise<CliResult> {
    await writeFile(this.at('app.spec.json'), JSON.stringify({ from: 'scratch', ...fields }))
    await mkdir(attempt.cache ?? this.cache, { recursive: true })
    return await this.run(['build', 'app.spec.json', ...args], attempt)
  }

  /** Nothing of a build that failed is there: no output, nothing temporary, a cache that is sound. */
  async expectNothingLeft(outputs: readonly string[] = ['out'], cache = this.cache): Promise<void> {
    for (const output of outputs) expect(existsSync(this.at(output)), output).toBe(false)
    expect(partialFiles(this.folder)).toEqual([])
    expect(temporaryIn(cache)).toEqual([])
    // What `ocibake cache verify` does, without the half second that a process takes.
    await using store = await Store.open(join(cache, 'store'))
    expect((await verifyStore(store)).damaged).toEqual([])
  }

  /** Builds in this process, on the cache that builds have failed on. @returns the digest of the image */
  async buildHere(fields: object, output: string | readonly string[], cache = this.cache): Promise<string> {
    await writeFile(this.at('here.spec.json'), JSON.stringify({ from: 'scratch', ...fields }))
    const env = {}
    const loaded = await loadSpec(this.at('here.spec.json'), { vars: {}, env })
    await using store = await Store.open(join(cache, 'store'))
    const connection = new RegistryConnection({
      credentials: async () => undefined,
      insecureRegistries: new Set(),
      report: silent,
      userAgent: 'test',
    })
    const { signal } = new AbortController()
    const outputs = [output].flat().map((one) => parseTransport(one.replace(':', `:${this.folder}/`)))
    const plan = makePlan(loaded, { platform: undefined, tags: [], env })
    const around = { push: false, sandbox: 'auto', env, report: silent, signal }
    const { image } = await build(plan, { store, connection, outputs, ...around })
    connection.close()
    return image.manifest.digest
  }
}

/** What sessions of builds have left in a cache. */
export function temporaryIn(cache: string): string[] {
  const folder = join(cache, 'store/tmp')
  return existsSync(folder) ? readdirSync(folder) : []
}

/** Files that were to become outputs. */
export function partialFiles(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'latin1' })
  return names.filter((name) => /\.partial$|\.ocibake-lock/.test(name)).sort()
}
