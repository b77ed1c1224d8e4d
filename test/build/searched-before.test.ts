import { join } from 'node:path'
import { expect, it } from 'vitest'
import { SearchedBefore } from '../../src/build/searched-before.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { Store } from '../../src/oci/store.ts'
import { secretText } from '../../src/secrets/secret-values.ts'
import { testFolder } from '../support/folder.ts'
import { token } from '../support/secrets.ts'

it('keeps in mind what was clean for the same values, unless that turns out to be damaged', async () => {
  await using store = await Store.open(join(await testFolder(), 'store'))
  const values = [secretText('one', token('one', 30))]
  const [whole, damaged] = [digestOf('whole'), digestOf('damaged')]
  const now = new SearchedBefore(store, values)
  now.keep(whole)
  now.keep(damaged, () => false)
  await now.commit()
  const later = new SearchedBefore(store, values)
  expect([await later.isClean(whole), await later.isClean(damaged)]).toEqual([true, false])
  // Of the same name, and another value.
  const other = new SearchedBefore(store, [secretText('one', token('other', 30))])
  expect(await other.isClean(whole)).toBe(false)
})

it('keeps in mind what was clean for each of several specs with secrets of their own', async () => {
  await using store = await Store.open(join(await testFolder(), 'store'))
  const specs = ['one', 'two'].map((name) => [secretText(name, token(name, 30))])
  const what = digestOf('whole')
  for (const values of specs) {
    const build = new SearchedBefore(store, values)
    build.keep(what)
    await build.commit()
  }
  const found = await Promise.all(specs.map((values) => new SearchedBefore(store, values).isClean(what)))
  expect(found).toEqual([true, true])
})
