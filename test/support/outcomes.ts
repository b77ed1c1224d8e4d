import type { Directory, Node, Tree } from '../../src/oci/node.ts'
import type { SandboxBackend } from '../../src/provision/sandbox.ts'
import { describedTree } from './described-tree.ts'
import { Bench, file, folder, smallRoot } from './small-root.ts'

const CAPABILITY = Buffer.from('0100000200200000000000000000000000000000', 'hex')

/** What every case finds in its `/opt`. */
const opt = (mode: number): Directory =>
  folder(
    {
      core: file('of core', { uid: 65100, gid: 1000, mode: 0o640 }),
      caps: file('x', { mode: 0o755, xattrs: new Map([['security.capability', CAPABILITY]]) }),
      suid: file('x', { mode: 0o6755, uid: 65100, gid: 4 }),
      none: file('none', { mode: 0 }),
      linked: file('linked', { uid: 7 }),
      shared: folder({ old: file('old') }, { uid: 1, gid: 44, mode: 0o2775 }),
      closed: folder({ inside: file('inside') }, { mode: 0 }),
      sticky: folder({ others: file('x', { uid: 5 }) }, { mode: 0o1777 }),
      private: folder({ secret: file('secret') }, { mode: 0o700 }),
      null: { kind: 'special', attrs: file('').attrs, type: 'character', major: 1, minor: 3 },
    },
    { mode },
  )

/** What a case says, how it ends, and what it leaves behind, without times. */
export interface Outcome {
  readonly said: readonly string[]
  readonly left: ReadonlyMap<string, unknown>
}

export interface OutcomeOptions {
  /** What the root has besides, as withPrograms gives it. */
  readonly withMore?: (tree: Tree) => Tree
  /** Who runs the cases. */
  readonly user?: string
  /** Of each `/opt`. */
  readonly mode?: number
}

/**
 * Runs all cases in one step of that sandbox, one after the other.
 * @param cases title -> shell script; its `/opt`, `/tmp` and `/n` (which is not there) are renamed to its own
 * @returns by title; a script that ends the whole step throws
 */
export async function outcomesOf(
  backend: SandboxBackend,
  cases: Readonly<Record<string, string>>,
  { withMore = (tree) => tree, user = 'root', mode = 0o755 }: OutcomeOptions = {},
): Promise<ReadonlyMap<string, Outcome>> {
  await using bench = await Bench.open(backend)
  const all = Object.entries(cases)
  const scripts = all.map(([, script], i) => [`${i}`, file(script.replace(/\/(opt|tmp|n)\b/g, `/$1-${i}`))] as const)
  const folders = all.flatMap((_, i): [string, Node][] => [
    [`opt-${i}`, opt(mode)],
    [`tmp-${i}`, folder({}, { mode: 0o1777 })],
  ])
  const tree = withMore(smallRoot({ cases: folder(Object.fromEntries(scripts)), ...Object.fromEntries(folders) }))
  const one = (i: number) => `echo "=== ${i}"; cd /; sh /cases/${i} 2>&1; printf '\\nends with %d\\n' $?`
  const run = all.map((_, i) => one(i)).join('\n')
  const after = await bench.run(tree, { run, shell: ['/bin/sh'], user, workdir: '/' })
  const said = bench
    .lines()
    .join('\n')
    .split(/^=== .*\n/m)
    .slice(1)
  return new Map(
    await Promise.all(
      all.map(
        async ([title], i) => [title, { said: said[i]!.trimEnd().split('\n'), left: await left(after, i) }] as const,
      ),
    ),
  )
}

async function left(tree: Tree, i: number): Promise<ReadonlyMap<string, unknown>> {
  const children = new Map([...tree.children].filter(([name]) => name.endsWith(`-${i}`)))
  const described = await describedTree({ ...tree, children })
  return new Map([...described].map(([path, node]) => [path, { ...(node as object), mtime: undefined }]))
}
