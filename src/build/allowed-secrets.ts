import { expandBraces } from '../provision/braces.ts'
import { namePattern } from '../provision/wildcard.ts'
import type { AllowedSecret } from '../spec/spec.ts'
import type { Leak } from './leak.ts'

/** Whether the spec says that this may be in the image. */
export function allowedBy(allowed: readonly AllowedSecret[]): (leak: Leak) => boolean {
  const tests = allowed.map(({ path, kind }) => {
    const isThere = path === undefined ? () => true : placePattern(path)
    return (leak: Leak) => (kind === undefined || kind === leak.kind) && isThere(leak.place)
  })
  return (leak) => tests.some((test) => test(leak))
}

/** `*`, `?`, `[a-z]` and `{a,b}` stay within a name, `**` is any number of folders; symlinks are not followed. */
function placePattern(pattern: string): (place: string) => boolean {
  const tests = expandBraces(pattern).map((one) => {
    const names = namesIn(one).map((name) => (name === '**' ? name : namePattern(name)))
    return (place: string) => matches(names, namesIn(place))
  })
  return (place) => tests.some((test) => test(place))
}

const namesIn = (path: string) => path.split('/').filter((name) => name !== '' && name !== '.')

type NameTests = readonly ('**' | ReturnType<typeof namePattern>)[]

function matches([test, ...rest]: NameTests, names: readonly string[]): boolean {
  const [name, ...below] = names
  if (test === undefined) return name === undefined
  if (test === '**') return matches(rest, names) || (name !== undefined && matches([test, ...rest], below))
  return name !== undefined && test(name) && matches(rest, below)
}
