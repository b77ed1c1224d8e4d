import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    /** A folder that all test files of one run share; it goes when the run ends. */
    sharedFolder: string
  }
}

/** vitest's globalSetup. */
export default async function sharedFolder(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'ocibake-shared-'))
  // Programs in it are run by ordinary users, too; what is in it has modes of its own.
  await chmod(folder, 0o755)
  project.provide('sharedFolder', folder)
  // Each worker, and each thread of a build in it, would compile the same libraries and strip the same types again.
  process.env.NODE_COMPILE_CACHE = join(folder, 'compiled')
  return () => rm(folder, { recursive: true, force: true })
}
