import { defineConfig } from '@playwright/test'
import { launchOptions } from './scripts/browser.mjs'

// The tests import 'meshwright/playwright' by name, through the exports map, as a consumer does: dist has to be built
// before (`npm test` does).
export default defineConfig({
  testDir: './test',
  testMatch: process.env.MESHWRIGHT_SLOW ? ['e2e/**/*.spec.ts', 'slow/**/*.spec.ts'] : ['e2e/**/*.spec.ts'],
  outputDir: 'test-results',
  workers: 2,
  retries: 0,
  timeout: 30_000,
  forbidOnly: true,
  reporter: 'list',
  use: { launchOptions: launchOptions() },
})
