import { readFileSync } from 'node:fs'
import type { Page } from '@playwright/test'
import { join } from 'node:path'

export const appUrl = 'http://app.shop.test/'

/** Serves the page of these tests; its origin belongs to nobody, so it has to come from a route. */
export async function serveApp(page: Page): Promise<void> {
  const body = readFileSync(join(import.meta.dirname, 'app', 'index.html'), 'utf8')
  await page.route(appUrl, (route) => route.fulfill({ contentType: 'text/html', body }))
}
