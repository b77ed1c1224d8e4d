import { z } from 'zod'
import { messageOf } from '../errors.ts'
import { nanoseconds } from '../oci/duration.ts'

/** Text that is not empty and holds no NUL. */
export function text() {
  return z.string({ error: 'expected text' }).check(({ value, issues }) => {
    if (value === '') issues.push({ code: 'custom', input: value, message: 'is empty' })
    if (value.includes('\0')) issues.push({ code: 'custom', input: value, message: 'has a NUL character' })
  })
}

/** The schema with one more condition, and what to say when it does not hold. */
export function refine<T extends z.ZodType>(schema: T, holds: (value: z.output<T>) => boolean, message: string): T {
  return schema.refine(holds, { error: message }) as unknown as T
}

export function list<T extends z.ZodType>(item: T) {
  return z.array(item, { error: 'expected a list' }).min(1, { error: 'is an empty list' })
}

export const texts = () => list(text())

export const flag = () => z.boolean({ error: 'expected true or false' })

export const wholeNumber = () =>
  z
    .number({ error: 'expected a number' })
    .int({ error: 'expected a whole number' })
    .min(0, { error: 'expected 0 or more' })

export function oneOf<const T extends readonly [string, ...string[]]>(choices: T) {
  return z.enum(choices, { error: `expected ${choices.map((choice) => `'${choice}'`).join(' or ')}` })
}

/** An absolute path in the image. */
export function imageFolder() {
  return refine(
    text(),
    (path) => path.startsWith('/') && !path.split('/').includes('..'),
    "expected an absolute path without '..'",
  )
}

/** An absolute path in the image in which wildcards may be. */
export const imageGlob = imageFolder

/** A value that `parse` takes; its own message is what is wrong otherwise. */
export function parsed<T extends z.ZodType>(schema: T, parse: (value: z.output<T>) => unknown): T {
  return schema.check(({ value, issues }) => {
    try {
      parse(value as z.output<T>)
    } catch (error) {
      issues.push({ code: 'custom', input: value, message: messageOf(error) })
    }
  }) as unknown as T
}

/** Seconds as a number, or a duration as Go writes it: '90s', '1h30m'. */
export const duration = () =>
  parsed(z.union([z.number(), z.string()], { error: "expected seconds, or a duration such as '90s'" }), (value) =>
    nanoseconds(value, 'it'),
  )
