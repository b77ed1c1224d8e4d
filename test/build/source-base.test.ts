import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { openBase } from '../../src/build/open-base.ts'
import { silent } from '../../src/events.ts'
import { ContentsAbsent } from '../../src/oci/absent-file.ts'
import { type Directory, directory, FRESH_DIRECTORY, type Node } from '../../src/oci/node.ts'
import { writeLayout } from '../../src/oci/write-layout.ts'
import { anonymous } from '../support/anonymous.ts'
import { testFolder } from '../support/folder.ts'
import { testStore } from '../support/store.ts'
import { storedImage } from '../support/stored-image.ts'

const { signal } = new AbortController()
const platform = { os: 'linux', architecture: 'amd64' }
const attrs = FRESH_DIRECTORY
const over = (name: string, node: Node): Directory => directory(new Map([[name, node]]))

it.each<[string, Directory]>([
  ['a folder in a file', over('lower', over('x', { kind: 'symlink', attrs, target: 'y' }))],
  ['a hard link to nothing', over('x', { kind: 'link', target: 'nowhere' })],
])('a base wants its layers where an outline has made up %s', async (_, outline) => {
  const store = await testStore()
  const folder = join(await testFolder(), 'layout')
  const image = await storedImage(store, { layers: [{ lower: 'lower' }, { upper: 'upper' }] })
  await writeLayout(folder, 'base', image, store, signal)
  const options = { store, connection: anonymous(), env: {}, platform, report: silent, signal }
  const base = await openBase({ kind: 'oci', folder, tag: 'base' }, options)
  onTestFinished(() => base.close())
  base.borrow!(new Map([[base.contents[1]!, outline]]))
  await expect(base.tree()).rejects.toBeInstanceOf(ContentsAbsent)
})
