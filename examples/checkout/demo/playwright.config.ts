import { defineConfig } from '@playwright/test'
import checkout from '../playwright.config.ts'

// One scenario, for `npm run demo`, which shows what it leaves in demo-report.
export default defineConfig({ ...checkout, testDir: '.' })
