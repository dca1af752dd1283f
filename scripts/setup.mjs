/**
 * Makes a fresh clone ready: dependencies, dist, a browser. Does only what is missing; with nothing to do it takes about
 * a tenth of a second.
 *
 *   node scripts/setup.mjs [--no-browser] [--no-build]
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { findBrowser, knownBrowser, rememberBrowser } from './browser.mjs'
import { build, isFresh } from './build.mjs'
import { cacheFolder, root, run } from './command.mjs'

const lockFile = join(root, 'package-lock.json')
const installed = join(root, 'node_modules', '.package-lock.json')
const installStamp = join(cacheFolder, 'installed')

const lockHash = () => createHash('sha256').update(readFileSync(lockFile)).digest('hex')

function isInstalled() {
  if (!existsSync(installed)) return false
  if (!existsSync(lockFile)) return true
  // The hash first: a checkout touches the lock file without changing it.
  if (existsSync(installStamp)) return readFileSync(installStamp, 'utf8') === lockHash()
  return statSync(installed).mtimeMs >= statSync(lockFile).mtimeMs
}

const npm = (args, options) =>
  run('npm', [...args, '--no-audit', '--no-fund', '--loglevel', 'error'], { limitMs: 600_000, ...options })

export async function install() {
  if (isInstalled()) return
  let done = false
  if (existsSync(lockFile) && !existsSync(installed)) {
    console.log('setup: npm ci')
    const { code, output } = await npm(['ci'], { quiet: true })
    done = code === 0
    if (!done)
      console.log(
        `setup: npm ci failed (${/code (E\w+)/.exec(output)?.[1] ?? `exit code ${code}`}), npm install instead`,
      )
  }
  if (!done) {
    // `npm ci` wants every platform's optional packages in the lock file, and a registry that lacks one of them cannot
    // write such a file. `install` takes the locked versions all the same; `--no-save` leaves the lock file as it is.
    console.log('setup: npm install')
    const { code, timedOut } = await npm(['install', '--no-save'])
    if (code !== 0) throw new Error(`npm install failed${timedOut ? ' (10 minutes passed)' : ''}`)
  }
  if (!existsSync(lockFile)) return
  mkdirSync(cacheFolder, { recursive: true })
  writeFileSync(installStamp, lockHash())
}

export async function buildWhenStale() {
  if (isFresh()) return
  console.log('setup: building dist')
  await build()
}

async function downloadWithPlaywright() {
  console.log('setup: no browser found, asking Playwright for its own (at most 4 minutes)')
  const cli = join(root, 'node_modules', '@playwright', 'test', 'cli.js')
  await run(process.execPath, [cli, 'install', 'chromium'], {
    limitMs: 240_000,
    // A closed network swallows packets; the default of 30 s per address and try would use up the limit.
    env: { PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT: '8000' },
  })
}

async function installWithApt() {
  if (!existsSync('/etc/debian_version') || process.getuid?.() !== 0) return
  console.log('setup: trying the chromium of the distribution (apt-get, at most 6 minutes)')
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  const update = await run('apt-get', ['update', '-q'], { limitMs: 120_000, env })
  if (update.code === 0)
    await run('apt-get', ['install', '-y', '-q', '--no-install-recommends', 'chromium'], { limitMs: 240_000, env })
}

export async function browser() {
  if (knownBrowser()) return
  for (const attempt of [undefined, downloadWithPlaywright, installWithApt]) {
    await attempt?.()
    const found = findBrowser()
    if (!found) continue
    console.log(`setup: browser ${found.version} at ${found.executablePath} (${found.source})`)
    rememberBrowser(found)
    return
  }
  throw new Error(
    [
      'no Chromium found, and none could be installed.',
      '  Looked at MESHWRIGHT_CHROMIUM and PLAYWRIGHT_CHROMIUM_EXECUTABLE_PATH, on the PATH, at Playwright’s own download.',
      '  Install one (`npx playwright install chromium`, or your system’s package), or set MESHWRIGHT_CHROMIUM to its path.',
      '  `--no-browser` leaves it out; the tests under test/e2e that open a page then fail.',
    ].join('\n'),
  )
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    await install()
    if (!process.argv.includes('--no-build')) await buildWhenStale()
    if (!process.argv.includes('--no-browser')) await browser()
  } catch (error) {
    console.error(`setup: ${error.message}`)
    process.exitCode = 1
  }
}
