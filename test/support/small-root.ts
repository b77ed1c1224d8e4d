import { lstatSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Event } from '../../src/events.ts'
import { bytesContent, HostFile } from '../../src/oci/content.ts'
import { fromText } from '../../src/oci/name.ts'
import type { Attrs, Directory, File, Node, Symlink, Tree } from '../../src/oci/node.ts'
import { directory, FRESH_DIRECTORY, NO_XATTRS } from '../../src/oci/node.ts'
import { Store } from '../../src/oci/store.ts'
import { nodeAt } from '../../src/oci/tree-paths.ts'
import { run } from '../../src/provision/run.ts'
import type { Sandbox } from '../../src/provision/sandbox.ts'
import { chrootBackend } from '../../src/provision/sandbox-chroot.ts'
import { ptraceBackend } from '../../src/provision/sandbox-ptrace.ts'
import { usernsBackend } from '../../src/provision/sandbox-userns.ts'
import type { BuildFacts, RunStep, Tools } from '../../src/provision/step.ts'

/** Debian's busybox-static: a whole userland in one file. */
const BUSYBOX = '/bin/busybox'
const APPLETS =
  'sh ls cat id ps env hostname mount umount mkdir rm rmdir mv cp ln chmod chown chgrp mknod mkfifo stat echo printf sleep ' +
  'touch readlink test sed grep find setsid yes dd head tail true false wget ping su chroot nc sort tr wc date kill tee unshare'

/** The sandbox under test: another one when test/native/as-nobody.test.ts runs these tests again. */
export const BACKEND =
  [usernsBackend, ptraceBackend].find(({ name }) => name === process.env.OCIBAKE_TEST_SANDBOX) ?? chrootBackend

export const NEWEST = 1_700_000_000

export function attrs(change: Partial<Attrs> = {}): Attrs {
  return { mode: 0o644, uid: 0, gid: 0, mtime: NEWEST - 1000, xattrs: NO_XATTRS, ...change }
}

export function file(text: string | Uint8Array, change: Partial<Attrs> = {}): File {
  return { kind: 'file', attrs: attrs(change), content: bytesContent(text) }
}

export function symlink(target: string): Symlink {
  return { kind: 'symlink', attrs: attrs({ mode: 0o777 }), target: fromText(target) }
}

export function folder(children: Record<string, Node>, change: Partial<Attrs> = {}): Directory {
  const made = new Map(Object.entries(children).sort(([a], [b]) => (a < b ? -1 : 1)))
  return directory(made, { ...FRESH_DIRECTORY, mtime: NEWEST - 2000, ...change })
}

/** /bin with busybox, /etc with two accounts, and whatever else is wanted. */
export function smallRoot(more: Record<string, Node> = {}): Tree {
  const { size, mtimeNs, ino } = lstatSync(BUSYBOX, { bigint: true })
  const program: File = {
    kind: 'file',
    attrs: attrs({ mode: 0o755 }),
    content: new HostFile(Buffer.from(BUSYBOX), { size: Number(size), mtimeNs, ino }),
  }
  const links = Object.fromEntries(APPLETS.split(' ').map((name) => [name, symlink('busybox')]))
  const etc = folder({
    passwd: file('root:x:0:0:root:/root:/bin/sh\ncore:x:65100:1000::/home/core:/bin/sh\n'),
    group: file('root:x:0:\ncore:x:1000:\nadm:x:4:other,core\nvideo:x:44:core\n'),
  })
  return folder({
    bin: folder({ busybox: program, ...links }),
    etc,
    tmp: folder({}, { mode: 0o1777 }),
    ...more,
  }) as Tree
}

/** The kernel has no user.* attributes on symlinks and devices (xattr(7)). */
export function layable(node: Node): Node {
  if (node.kind === 'directory') {
    return { ...node, children: new Map([...node.children].map(([name, child]) => [name, layable(child)])) }
  }
  if (node.kind === 'symlink' || node.kind === 'special') return made(node)
  return node
}
const plain = new Map<Node, Node>()
function made(node: Node & { kind: 'symlink' | 'special' }): Node {
  if (!plain.has(node)) plain.set(node, { ...node, attrs: { ...node.attrs, xattrs: new Map() } })
  return plain.get(node)!
}

export function at(tree: Tree, path: string): Node | undefined {
  return nodeAt(tree, fromText(path))
}

/** A store, a sandbox and a place to collect events: what steps need, for real. */
export class Bench implements AsyncDisposable {
  readonly events: Event[] = []
  readonly home: string
  readonly store: Store
  readonly sandbox: Sandbox

  private constructor(home: string, store: Store, sandbox: Sandbox) {
    this.home = home
    this.store = store
    this.sandbox = sandbox
  }

  static async open(backend = BACKEND): Promise<Bench> {
    const home = await mkdtemp(join(tmpdir(), 'ocibake-bench-'))
    const store = await Store.open(join(home, 'store'))
    await using work = await store.workFolder('probe')
    const sandbox = await backend.probe(work.path, () => {})
    if (!('run' in sandbox)) throw new Error(`these tests need ${backend.name}: ${sandbox.missing}`)
    return new Bench(home, store, sandbox)
  }

  get logFile(): string {
    return join(this.home, 'logs', 'step-1.log')
  }

  tools(facts: Partial<BuildFacts> = {}, signal = new AbortController().signal): Tools {
    const build: BuildFacts = {
      platform: { os: 'linux', architecture: 'amd64' },
      folder: this.home,
      baseEnv: {},
      baseWorkdir: '/',
      newest: NEWEST,
      proxyEnv: {},
      ownOutputs: new Set(),
      env: {},
      logFile: this.logFile,
      step: 1,
      isLastScript: false,
      ...facts,
    }
    return {
      store: this.store,
      sandbox: () => Promise.resolve(this.sandbox),
      report: (event) => this.events.push(event),
      signal,
      build,
      inputDated: () => {},
    }
  }

  run(
    tree: Tree,
    step: RunStep | RunStep['run'],
    facts: Partial<BuildFacts> = {},
    signal?: AbortSignal,
  ): Promise<Tree> {
    return run(tree, typeof step === 'string' || !('run' in step) ? { run: step } : step, this.tools(facts, signal))
  }

  /** What the script wrote in the runs so far. */
  lines(stream?: 'stdout' | 'stderr'): string[] {
    return this.events.flatMap((event) =>
      event.type === 'output' && (stream === undefined || event.stream === stream) ? [event.line] : [],
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.close()
    await rm(this.home, { recursive: true, force: true })
  }
}
