import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { OcibakeError } from '../../src/errors.ts'
import { Slice, SliceFile } from '../../src/oci/content.ts'
import { FileChecks } from '../../src/oci/file-checks.ts'
import { crcAsWritten, guardOf } from '../../src/oci/file-guard.ts'
import { FileWindow } from '../../src/oci/file-window.ts'
import { collect, wordy } from '../support/bytes.ts'
import { testFolder } from '../support/folder.ts'
import { Random } from '../support/random-tree.ts'

const KIB = 1024
const SIZE = 300 * KIB + 7
const text = wordy(new Random(3), SIZE)

/** A file as the store keeps it, of which one byte is another than was written. */
async function changedAt(at: number): Promise<SliceFile> {
  const path = join(await testFolder(), 'file')
  const checks = new FileChecks()
  checks.push(text)
  const bytes = Buffer.from(text)
  bytes[at]! ^= 1
  writeFileSync(path, bytes)
  return new SliceFile(path, {
    guard: guardOf(checks.soFar(), SIZE),
    damaged: async () => new OcibakeError('STORE_CORRUPT', 'damaged'),
  })
}

describe('a guarded file', () => {
  it.each([
    ['in the middle of what is read', 150 * KIB, 100 * KIB, 100 * KIB],
    ['before what is read, beside it', 64 * KIB, 65 * KIB, 10],
    ['behind what is read, beside it', 128 * KIB - 1, 65 * KIB, 10],
    ['at the very start', 0, 0, SIZE],
    ['at the very end', SIZE - 1, 0, SIZE],
    ['in the last, short part', SIZE - 5, SIZE - 1, 1],
  ])('is not read past a change %s', async (_, at, offset, size) => {
    const file = await changedAt(at)
    await expect(collect(new Slice(file, offset, size).open())).rejects.toThrow('damaged')
    expect(file.isRight(offset, size)).toBe(false)
    file.close()
  })

  it('is read where it is right, whatever is wrong far from there', async () => {
    const file = await changedAt(200 * KIB)
    expect(await collect(new Slice(file, 70 * KIB, 100 * KIB).open())).toEqual(text.subarray(70 * KIB, 170 * KIB))
    expect(file.isRight(70 * KIB, 100 * KIB)).toBe(true)
    file.close()
  })

  it('is not read twice to know the same', async () => {
    const file = await changedAt(SIZE - 1)
    expect(file.isRight(0, 128 * KIB)).toBe(true)
    const bytes = readFileSync(file.path)
    bytes[100]! ^= 1
    writeFileSync(file.path, bytes)
    expect(file.isRight(10, 128 * KIB - 10)).toBe(true)
    file.close()
  })

  it.each([
    [10, true],
    [100 * KIB, true],
    [200 * KIB, false],
  ])('says at the end whether what was used of it was right: changed at %i', async (at, isWrong) => {
    const file = await changedAt(at)
    const window = new FileWindow()
    window.read(file, 512, 512)
    window.read(file, 127 * KIB, 2 * KIB)
    const checked = file.checkUse()
    await (isWrong ? expect(checked).rejects.toThrow('damaged') : expect(checked).resolves.toBeUndefined())
    file.close()
  })

  it.each([
    ['whole parts of it', 64 * KIB, 128 * KIB],
    ['parts of its parts', 63 * KIB, 130 * KIB],
    ['less than a part', 70 * KIB, 10],
    ['all', 0, SIZE],
  ])('gives the CRC-32 of %s, once and again', async (_, at, size) => {
    const file = await changedAt(0)
    writeFileSync(file.path, text)
    const bytes = text.subarray(at, at + size)
    for (let turn = 0; turn < 2; turn++) {
      expect(crcAsWritten(file.guard!, file.descriptor, bytes, at)).toBe(crc32(bytes))
    }
    file.close()
  })

  it.each([
    ['in what is read', 100 * KIB],
    ['beside what is read', 64 * KIB],
  ])('gives no CRC-32 where it was changed %s', async (_, changed) => {
    const file = await changedAt(changed)
    const bytes = readFileSync(file.path).subarray(70 * KIB, 200 * KIB)
    expect(crcAsWritten(file.guard!, file.descriptor, bytes, 70 * KIB)).toBeUndefined()
    file.close()
  })
})
