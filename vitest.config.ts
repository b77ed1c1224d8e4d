import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { LongestFirst } from './test/support/longest-first.ts'

export default defineConfig({
  test: {
    // The default also takes *.spec.ts, which are image specs here.
    include: ['test/**/*.test.ts'],
    // Real servers and real builds: slow machines get time, hung ones an end.
    testTimeout: 180_000,
    hookTimeout: 300_000,
    // What is waited for comes at once, or late on a busy machine, or never.
    expect: { poll: { timeout: 30_000, interval: 20 } },
    pool: 'forks',
    // Node strips types by WebAssembly that calls back thousands of times, in each thread: see src/oci/generic-wrappers.ts.
    execArgv: ['--wasm-wrapper-tiering-budget=2147483647'],
    // The default leaves one core idle; and each worker waits at times, for servers, mirrors and disks.
    maxWorkers: availableParallelism() + 1,
    sequence: { sequencer: LongestFirst },
    globalSetup: ['test/support/shared-folder.ts'],
  },
})
