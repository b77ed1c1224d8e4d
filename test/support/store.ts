import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { Store } from '../../src/oci/store.ts'
import { testFolder } from './folder.ts'

/** A store in a folder of its own, or in `root`; closed when the test ends. */
export async function testStore(root?: string): Promise<Store> {
  const store = await Store.open(root ?? join(await testFolder(), 'store'))
  onTestFinished(() => store.close())
  return store
}

/** All files of a store but pins, by their paths inside it. */
export async function filesOf(root: string): Promise<string[]> {
  const found = await readdir(root, { recursive: true, withFileTypes: true })
  const paths = found.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name))
  return paths
    .map((path) => path.slice(root.length + 1))
    .filter((path) => !path.includes('/pins/'))
    .sort()
}
