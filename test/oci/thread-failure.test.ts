import { open } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { OcibakeError } from '../../src/errors.ts'
import { errorOf, failureOf } from '../../src/oci/thread-failure.ts'

const through = (error: unknown) => errorOf(structuredClone(failureOf(error)))

describe('an error that goes from thread to thread', () => {
  it('keeps code, message and hint', () => {
    const error = through(new OcibakeError('DISK_FULL', 'The disk is full.', { hint: 'Free some space.' }))
    expect(error).toBeInstanceOf(OcibakeError)
    expect(error).toMatchObject({ code: 'DISK_FULL', message: 'The disk is full.', hint: 'Free some space.' })
    expect(through(new OcibakeError('DISK_FULL', 'x'))).toMatchObject({ hint: undefined })
  })

  it('keeps the code of the system', async () => {
    const error = await open('/nowhere/at/all').catch((error: unknown) => error)
    expect(through(error)).toMatchObject({ code: 'ENOENT', message: (error as Error).message })
    expect(through('text')).not.toHaveProperty('code')
  })
})
