import { describe, expect, test } from 'vitest'
import type { Tree } from '../../src/oci/node.ts'
import { lookUpOwner, lookUpUser } from '../../src/provision/accounts.ts'
import { attrs, file, folder, smallRoot, symlink } from '../support/small-root.ts'

const tree = smallRoot()

describe('a user is looked up in the image', () => {
  test.each([
    ['core', { uid: 65100, gid: 1000, groups: [4, 44], home: '/home/core' }],
    ['65100', { uid: 65100, gid: 1000, groups: [4, 44], home: '/home/core' }],
    ['core:adm', { uid: 65100, gid: 4, groups: [], home: '/home/core' }],
    ['core:77', { uid: 65100, gid: 77, groups: [], home: '/home/core' }],
    ['1000:1000', { uid: 1000, gid: 1000, groups: [], home: '/' }],
    ['4242', { uid: 4242, gid: 0, groups: [], home: '/' }],
    ['0', { uid: 0, gid: 0, groups: [], home: '/root' }],
    ['4294967294', { uid: 4294967294, gid: 0, groups: [], home: '/' }],
  ])('%s', async (text, expected) => {
    expect(await lookUpUser(tree, text)).toEqual(expected)
  })
})

test.each([
  ['core', { uid: 65100 }],
  [':adm', { gid: 4 }],
  ['core:', undefined],
  ['0:0', { uid: 0, gid: 0 }],
])('an owner %s is read as chown reads it', async (text, expected) => {
  if (expected === undefined) await expect(lookUpOwner(tree, text)).rejects.toMatchObject({ code: 'ACCOUNT_UNKNOWN' })
  else expect(await lookUpOwner(tree, text)).toEqual(expected)
})

test.each(['nobody', 'core:nogroup', '-1', '4294967295', '99999999999', ''])('%j is unknown', async (text) => {
  await expect(lookUpUser(tree, text)).rejects.toMatchObject({ code: 'ACCOUNT_UNKNOWN' })
})

test('the error lists the accounts that there are', async () => {
  await expect(lookUpUser(tree, 'nobody')).rejects.toThrow(
    "no user 'nobody' in the image's /etc/passwd; it has root, core.",
  )
})

const special = { kind: 'special', attrs: attrs(), type: 'fifo', major: 0, minor: 0 } as const
const hostile: [string, Tree][] = [
  ['a fifo', folder({ etc: folder({ passwd: special, group: special }) }) as Tree],
  ['a link out of the root', folder({ etc: symlink('/../../../../etc') }) as Tree],
  ['a folder', folder({ etc: folder({ passwd: folder({}) }) }) as Tree],
  ['absent', folder({}) as Tree],
]
test.each(hostile)('an /etc/passwd that is %s knows nobody, and numbers still work', async (_, root) => {
  await expect(lookUpUser(root, 'root')).rejects.toMatchObject({ code: 'ACCOUNT_UNKNOWN' })
  expect(await lookUpUser(root, '7:8')).toEqual({ uid: 7, gid: 8, groups: [], home: '/' })
})

test('a symlinked /etc is followed inside the image', async () => {
  const root = folder({
    etc: symlink('/usr/etc'),
    usr: folder({ etc: folder({ passwd: file('a:x:5:6::/a:/bin/sh') }) }),
  }) as Tree
  expect(await lookUpUser(root, 'a')).toMatchObject({ uid: 5, gid: 6, home: '/a' })
})

test('a huge /etc/passwd is refused', async () => {
  const root = folder({ etc: folder({ passwd: file(Buffer.alloc((1 << 20) + 1)) }) }) as Tree
  await expect(lookUpUser(root, 'root')).rejects.toMatchObject({ code: 'PATH_INVALID' })
})

test('lines that are no records are passed over', async () => {
  const text = '# comment\n\n+::::::\nbad:x:no:1::/:\nlong:x:99999999999:1::/:\nok:x:9:10::relative:/bin/sh\n'
  const root = folder({ etc: folder({ passwd: file(text) }) }) as Tree
  expect(await lookUpUser(root, 'ok')).toEqual({ uid: 9, gid: 10, groups: [], home: '/' })
  await expect(lookUpUser(root, 'long')).rejects.toMatchObject({ code: 'ACCOUNT_UNKNOWN' })
})
