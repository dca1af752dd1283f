export interface Browser {
  source: string
  executablePath: string
  version: string
}
export function findBrowser(): Browser | undefined
export function rememberBrowser(browser: Browser): void
export function knownBrowser(): Browser | undefined
export function launchOptions(): { executablePath?: string; args: string[] }
