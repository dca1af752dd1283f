import { join } from 'node:path'
import { defineConfig } from '@playwright/test'
import { launchOptions } from '../../scripts/browser.mjs'

export default defineConfig({
  testDir: './test/e2e',
  outputDir: join(import.meta.dirname, '..', '..', 'test-results', 'checkout'),
  workers: 2,
  timeout: 60_000,
  forbidOnly: true,
  reporter: 'list',
  use: { launchOptions: launchOptions() },
})
