import { readdirSync } from 'node:fs'
import { expect, it } from 'vitest'
import { EarlyPool } from '../../src/oci/early-pool.ts'

it('an early pool is for who asks first, and his to close', async () => {
  const early = new EarlyPool()
  const pool = early.take()!
  expect(early.take()).toBeUndefined()
  await early[Symbol.asyncDispose]()
  pool.fail(new Error('still open'))
  await expect(pool.end(0)).rejects.toThrow('still open')
  await pool.close()
})

it('an early pool that nobody took ends', async () => {
  const threads = () => readdirSync('/proc/self/task').length
  const before = threads()
  const early = new EarlyPool()
  expect(threads()).toBeGreaterThan(before)
  await early[Symbol.asyncDispose]()
  await expect.poll(threads).toBe(before)
})
