import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: [
      'test/unit/**/*.test.ts',
      'test/mesh/**/*.test.ts',
      'test/property/**/*.test.ts',
      'test/docs/**/*.test.ts',
      ...(process.env.MESHWRIGHT_SLOW ? ['test/slow/**/*.test.ts'] : []),
    ],
    exclude: ['**/node_modules/**', 'test/slow/jest/**'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 20_000,
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts', 'matchers/**/*.ts'],
      // One failing test must not hide what the others reach.
      reportOnFailure: true,
      // The thresholds stand in scripts/test.mjs: a part of the tests, run alone, cannot reach them.
      reporter: ['text-summary', 'json-summary', 'html'],
    },
  },
})
