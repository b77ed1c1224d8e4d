import { describe, expect, it } from 'vitest'
import { OcibakeError } from '../../src/errors.ts'
import { jsonError } from '../../src/report/json-error.ts'
import { redactUrls } from '../../src/report/redact-urls.ts'
import { renderError } from '../../src/report/render-error.ts'

const SIGNED = "https://me:pa%40ss@s3.example/b/k.tar?X-Amz-Signature=s3cr3t&x='s3cr3t)#s3cr3t"

describe('redactUrls', () => {
  it.each([
    [`get ${SIGNED} failed`, 'get https://…@s3.example/b/k.tar?… failed'],
    ['http://a:b@c@d/e, then s3://k:v@bucket/f', 'http://…@d/e, then s3://…@bucket/f'],
    ['"https://host/x#token=1"', '"https://host/x?…"'],
    ['https://host/@scope/name', 'https://host/@scope/name'],
    ['at file:///a/b.ts:3:7', 'at file:///a/b.ts:3:7'],
    ['what? mail me@example.org', 'what? mail me@example.org'],
  ])('of %j leaves %j', (text, wanted) => expect(redactUrls(text)).toBe(wanted))
})

describe('an error', () => {
  const cause = new Error(`first ${SIGNED}\u001b[2J`, { cause: new Error(`second ${SIGNED}`) })
  const error = new OcibakeError('FETCH_FAILED', 'It failed.', { cause, where: 'a.spec.ts, step 1' })

  it('has causes without credentials, with --debug only', () => {
    const shown = renderError(error, true)
    expect(shown).toContain('caused by Error: first https://…@s3.example/b/k.tar?…')
    expect(shown).toContain('caused by Error: second https://')
    expect(shown).not.toMatch(/s3cr3t|pa%40ss|\u001b/)
    expect(renderError(error, false)).not.toContain('caused by')
  })

  it.each([
    ['text', renderError(cause, false)],
    ['JSON', jsonError(cause, 70)],
  ])('that nobody foresaw shows its stack without credentials, as %s', (_, shown) => {
    expect(shown).toMatch(/INTERNAL[\s\S]*first https:[\s\S]*redact-urls\.test\.ts/)
    expect(shown).not.toMatch(/s3cr3t|pa%40ss/)
  })

  it('is one line of JSON with --progress json', () => {
    const text = jsonError(error, 3)
    expect(text).toMatch(/^[^\n]+\n$/)
    expect(JSON.parse(text)).toEqual({
      type: 'error',
      code: 'FETCH_FAILED',
      message: 'It failed.',
      where: 'a.spec.ts, step 1',
      hint: 'Check the network and the address, then run the same command again.',
      exitCode: 3,
    })
  })
})
