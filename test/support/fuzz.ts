import type fc from 'fast-check'
import { expect, vi } from 'vitest'
import { type ErrorCode, OcibakeError } from '../../src/errors.ts'

const times = Number(process.env.OCIBAKE_FUZZ_RUNS ?? 1)
vi.setConfig({ testTimeout: 60_000 * Math.max(1, times) })

/** Of the usual runs: a change is not to fail over what it did not touch. */
const USUAL_SEED = '20261121'

/**
 * How often a property is tried: `usual` times, always the same ones, or `OCIBAKE_FUZZ_RUNS` times as often, always others.
 * fast-check prints seed and counterexample of what fails; with that number as `OCIBAKE_FUZZ_SEED` it fails again.
 */
export function fuzz(usual = 100): fc.Parameters<unknown> {
  const { OCIBAKE_FUZZ_RUNS: more, OCIBAKE_FUZZ_SEED: seed = more === undefined ? USUAL_SEED : undefined } = process.env
  return { numRuns: Math.ceil(usual * times), ...(seed === undefined ? {} : { seed: Number(seed) }) }
}

/**
 * What `work` gives, or the OcibakeError that it was refused with: one of `codes`, and in words that a terminal can
 * show. @throws everything else
 */
export function orRefused<T>(codes: readonly ErrorCode[], work: () => T): T | OcibakeError {
  try {
    return work()
  } catch (error) {
    return checkRefusal(codes, error)
  }
}

/** As `orRefused`, for what takes time. */
export async function orRefusedLater<T>(
  codes: readonly ErrorCode[],
  work: () => Promise<T>,
): Promise<T | OcibakeError> {
  try {
    return await work()
  } catch (error) {
    return checkRefusal(codes, error)
  }
}

function checkRefusal(codes: readonly ErrorCode[], error: unknown): OcibakeError {
  if (!(error instanceof OcibakeError)) throw error
  expect(codes).toContain(error.code)
  expect(error.message).toMatch(/^[^\x00-\x09\x0b-\x1f\x7f-\x9f]{1,2000}$/)
  return error
}
