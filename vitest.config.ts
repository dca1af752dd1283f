import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/unit/**/*.test.ts', 'test/mesh/**/*.test.ts', 'test/property/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 20_000,
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts', 'matchers/**/*.ts'],
      reporter: ['text-summary', 'json-summary', 'html'],
    },
  },
})
