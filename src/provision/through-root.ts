import type { Tree } from '../oci/node.ts'
import type { LaidOut } from './lay-out.ts'
import { readBack } from './read-back.ts'
import { RootKeeper } from './root-keeper.ts'
import type { Sandbox, SandboxExit } from './sandbox.ts'
import type { Tools } from './step.ts'

/**
 * The tree that `use` makes of the one that is laid out for it on a disk, in the sandbox of the build.
 * @param use throws unless the command succeeded; has to end when the signal that it is given aborts
 * @throws what `use` throws; SANDBOX_UNAVAILABLE; DISK_FULL; PATH_INVALID; the reason of the signal
 */
export async function throughRoot(
  tree: Tree,
  tools: Tools,
  use: (sandbox: Sandbox, laid: LaidOut, signal: AbortSignal) => Promise<SandboxExit>,
): Promise<Tree> {
  const { store, report, signal, build } = tools
  const sandbox = await tools.sandbox()
  if (sandbox.warning !== undefined) report({ type: 'warning', ...sandbox.warning })
  await using own = tools.roots === undefined ? new RootKeeper(store) : undefined
  const roots = tools.roots ?? own!
  const laid = await roots.layOut(tree, { newest: build.newest, owners: sandbox.owners, report, signal })
  const { records } = await verified(laid, signal, (either) => use(sandbox, laid, either))
  // Its contents live as long as the build; only writing to it ends here.
  const spool = await store.spool()
  try {
    const read = await readBack(laid, spool, report, signal, records)
    if (build.isLastScript) void roots.discard()
    else roots.keep(laid, read)
    return read.tree
  } finally {
    await spool.seal()
  }
}

/**
 * What `use` gives, which runs while nobody knows yet whether the root is right: when it is not, it is ended, and that is
 * what is thrown, whatever came of it.
 */
async function verified<T>(laid: LaidOut, signal: AbortSignal, use: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const wrong = new AbortController()
  const using = use(AbortSignal.any([signal, wrong.signal]))
  const verifying = laid.verify(signal)
  verifying.catch((error: unknown) => wrong.abort(error))
  const [used, looked] = await Promise.allSettled([using, verifying])
  if (looked.status === 'rejected') throw looked.reason
  if (used.status === 'rejected') throw used.reason
  return used.value
}
