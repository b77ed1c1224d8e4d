import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    // The default also takes *.spec.ts, which are image specs here.
    include: ['test/**/*.test.ts'],
    // Real servers and real builds: slow machines get time, hung ones an end.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
    // The default leaves one core idle; half of the time is spent waiting for servers and sandboxes.
    maxWorkers: '100%',
    globalSetup: ['test/support/shared-folder.ts'],
  },
})
