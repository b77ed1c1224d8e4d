import type { Tree } from '../oci/node.ts'
import type { LaidOut } from './lay-out.ts'
import { readBack } from './read-back.ts'
import { RootKeeper } from './root-keeper.ts'
import type { Sandbox, SandboxExit } from './sandbox.ts'
import type { Tools } from './step.ts'

/**
 * The tree that `use` makes of the one that is laid out for it on a disk, in the sandbox of the build.
 * @param use throws unless the command succeeded
 * @throws what `use` throws; SANDBOX_UNAVAILABLE; DISK_FULL; PATH_INVALID; the reason of the signal
 */
export async function throughRoot(
  tree: Tree,
  tools: Tools,
  use: (sandbox: Sandbox, laid: LaidOut) => Promise<SandboxExit>,
): Promise<Tree> {
  const { store, report, signal, build } = tools
  const sandbox = await tools.sandbox()
  if (sandbox.warning !== undefined) report({ type: 'warning', ...sandbox.warning })
  await using own = tools.roots === undefined ? new RootKeeper(store) : undefined
  const roots = tools.roots ?? own!
  const laid = await roots.layOut(tree, { newest: build.newest, owners: sandbox.owners, report, signal })
  const { records } = await use(sandbox, laid)
  // Its contents live as long as the build; only writing to it ends here.
  const spool = await store.spool()
  try {
    const read = await readBack(laid, spool, report, signal, records)
    roots.keep(laid, read)
    return read.tree
  } finally {
    await spool.seal()
  }
}
