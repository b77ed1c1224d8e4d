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
  const other = new SearchedBefore(store, [secretText('other', token('other', 30))])
  expect(await other.isClean(whole)).toBe(false)
})
