import { defineConfig } from '@playwright/test'

export default defineConfig({
  testDir: './test',
  workers: 1,
  // Which Chromium, and with which flags, is a matter of the machine.
  use: { launchOptions: JSON.parse(process.env.LAUNCH_OPTIONS ?? '{}') },
})
