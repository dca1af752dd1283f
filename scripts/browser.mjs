/**
 * The browser that the tests, the examples and the demo start, and how they start it. Looked for once by setup.mjs and
 * remembered under node_modules/.cache; every Playwright configuration of this repository asks `launchOptions()`.
 */
import { execFileSync } from 'node:child_process'
import { accessSync, constants, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, join } from 'node:path'
import { cacheFolder } from './command.mjs'

const file = join(cacheFolder, 'browser.json')
const names = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'chrome']
const variables = ['MESHWRIGHT_CHROMIUM', 'PLAYWRIGHT_CHROMIUM_EXECUTABLE_PATH']

/**
 * The answer to `--version`, or undefined. Some distributions put a script in place of the browser that only says how to
 * install it, and a browser without its libraries does not start: both give no version.
 */
function versionOf(path) {
  try {
    const answer = execFileSync(path, ['--version', '--no-sandbox'], {
      timeout: 20_000,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return /\d+\.\d+/.test(answer) ? answer.trim() : undefined
  } catch {
    return undefined
  }
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

const onPath = () =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .flatMap((folder) => names.map((name) => join(folder, name)))
    .filter(isExecutable)

/** Where Playwright keeps, or would keep, its own Chromium. */
function playwrightsOwn() {
  try {
    return createRequire(import.meta.url)('@playwright/test').chromium.executablePath()
  } catch {
    return undefined
  }
}

/**
 * A browser that is there already: named in the environment, on the PATH, or downloaded by Playwright before.
 * @returns {{ source: string, executablePath: string, version: string } | undefined}
 * @throws when the environment names one that does not start: silently taking another would hide the mistake.
 */
export function findBrowser() {
  for (const variable of variables) {
    const executablePath = process.env[variable]
    if (!executablePath) continue
    const version = versionOf(executablePath)
    if (!version) throw new Error(`${variable}=${executablePath} does not start as a browser`)
    return { source: variable, executablePath, version }
  }
  for (const executablePath of onPath()) {
    const version = versionOf(executablePath)
    if (version) return { source: 'PATH', executablePath, version }
  }
  const executablePath = playwrightsOwn()
  const version = executablePath && isExecutable(executablePath) && versionOf(executablePath)
  return version ? { source: 'playwright', executablePath, version } : undefined
}

export function rememberBrowser(browser) {
  mkdirSync(cacheFolder, { recursive: true })
  writeFileSync(file, `${JSON.stringify(browser, null, 2)}\n`)
}

/** What setup.mjs found, if it still stands and the environment does not name another. */
export function knownBrowser() {
  let known
  try {
    known = JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
  const wanted = variables.map((variable) => process.env[variable]).find(Boolean)
  if (wanted && wanted !== known.executablePath) return undefined
  return isExecutable(known.executablePath) ? known : undefined
}

/**
 * For `use.launchOptions` of a Playwright configuration. Without a known browser Playwright looks for its own.
 * Background services are off: on a closed network they only wait, and a test that watches requests would see them.
 */
export function launchOptions() {
  const executablePath = (knownBrowser() ?? findBrowser())?.executablePath
  const isRoot = process.getuid?.() === 0
  return {
    ...(executablePath && { executablePath }),
    args: [
      // Chromium refuses to start as root with its sandbox, which is what a container usually is.
      ...(isRoot ? ['--no-sandbox'] : []),
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--disable-quic',
      '--no-first-run',
    ],
  }
}
