import { execFileSync } from 'node:child_process'
import { lstatSync, realpathSync } from 'node:fs'
import { apply } from '../../src/oci/apply.ts'
import { HostFile } from '../../src/oci/content.ts'
import { type File, NO_XATTRS, type Tree } from '../../src/oci/node.ts'
import { placeAt } from '../../src/oci/tree-paths.ts'

/** The tree with a program of this machine in it, and the libraries that ldd says it needs, at the same paths. */
export function withPrograms(tree: Tree, ...programs: string[]): Tree {
  const needed = programs.flatMap((program) =>
    execFileSync('ldd', [program], { encoding: 'utf8' })
      .split('\n')
      .flatMap((line) => /(\/\S+) \(0x/.exec(line)?.[1] ?? []),
  )
  return [...new Set([...programs, ...needed])].reduce((now, path) => apply(now, placeAt(path, copyOf(path))), tree)
}

/** That file of this machine, root's and executable. */
export function copyOf(path: string): File {
  const real = realpathSync(path)
  const { size, mtimeNs, ino } = lstatSync(real, { bigint: true })
  return {
    kind: 'file',
    attrs: { mode: 0o755, uid: 0, gid: 0, mtime: 0, xattrs: NO_XATTRS },
    content: new HostFile(Buffer.from(real), { size: Number(size), mtimeNs, ino }),
  }
}
