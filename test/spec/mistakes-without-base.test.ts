import { describe, expect, it } from 'vitest'
import { mistakesWithoutBase } from '../../src/spec/mistakes-without-base.ts'
import { validate } from '../../src/spec/validate.ts'

const SPEC = { from: 'debian:bookworm-slim', layers: 'append', readBase: false }
const mistakes = (fields: object) =>
  mistakesWithoutBase({ ...SPEC, ...fields }).map(({ where, what }) => `${where}: ${what}`)

describe('mistakesWithoutBase', () => {
  it('takes steps that lay files down, with owners that are numbers', () => {
    const steps = [
      { copy: 'app/', to: '/opt/app', owner: '65100:65100' },
      { unpack: 's3://bucket/app.tar.gz', to: '/opt', owner: 'archive' },
      { own: '/opt', by: ':65100' },
      { chmod: '/opt', mode: 'g+rX' },
    ]
    expect(mistakes({ steps })).toEqual([])
  })

  it.each([
    [{ run: 'true' }, 'steps[0] (run): needs to know what is in the base'],
    [{ ansible: 'site.yml' }, 'steps[0] (ansible): needs to know'],
    [{ remove: '/usr/share/doc' }, 'steps[0] (remove): needs to know'],
    [{ copy: 'app/', to: '/opt', owner: 'core' }, "steps[0] (copy): owner: 'core' has names that only the base knows"],
    [{ own: '/opt', by: '65100:core' }, "steps[0] (own): by: '65100:core' has names"],
    [{ write: '/archive', text: '', owner: 'archive' }, "steps[0] (write): owner: 'archive' has names"],
  ])('refuses %j', (step, message) => {
    expect(mistakes({ steps: [step] })).toEqual([expect.stringContaining(message)])
  })

  it.each([
    [{ layers: 'squash' }, "readBase: is for layers 'append'"],
    [{ layers: undefined }, "readBase: is for layers 'append'"],
    [{ from: 'scratch' }, 'readBase: is for a base that has a manifest'],
    [{ from: { debian: 'bookworm' } }, 'readBase: is for a base that has a manifest'],
  ])('refuses a spec with %j', (fields, message) => {
    expect(mistakes(fields)).toEqual([expect.stringContaining(message)])
  })

  it('is told together with what else is wrong', () => {
    const spec = { ...SPEC, layers: 'squash', compression: 'zip', steps: [1, { run: 'true' }] }
    expect(() => validate(spec, 'x')).toThrow(/4 mistakes/)
    expect(() => validate(spec, 'x')).toThrow(/steps\[1\] \(run\): needs to know/)
  })

  it('takes nothing from a spec that reads its base', () => {
    expect(validate({ ...SPEC, readBase: true, steps: [{ run: 'true' }] }, 'x')).toBeDefined()
  })
})
