/**
 * Uses the packed tarball as its consumers would, those included who forgot something: each in an empty project of its own, outside of this
 * repository, installed with npm. Prints one line for each and, with `--results <file>`, writes the counts as JSON.
 *
 *   node test/package/run.mjs [--consumer vitest] [--results <file>] [--keep]
 *
 * The consumers' tests are the examples of the documentation, as written. `*` in a consumer's package.json stands for the
 * version that this repository has installed.
 */
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { launchOptions } from '../../scripts/browser.mjs'
import { bin, root, run } from '../../scripts/command.mjs'
import { buildWhenStale } from '../../scripts/setup.mjs'
import { jestCounts, playwrightCounts, suite } from '../../scripts/suite.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const option = (name) => {
  const at = process.argv.indexOf(name)
  return at > 0 ? process.argv[at + 1] : undefined
}

const jest = { command: 'jest', args: (file) => ['--json', `--outputFile=${file}`], read: jestCounts }

const nodeTest = {
  command: process.execPath,
  args: (file) => [
    '--test',
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    `--test-reporter=${join(root, 'scripts', 'node-counts.mjs')}`,
    `--test-reporter-destination=${file}`,
  ],
  read: (counts) => counts,
}

/**
 * `shared`: gets the TypeScript files of ./shared. `types`: is type-checked, which counts as one test. `flags`: of `npm
 * install`.
 */
const consumers = {
  'playwright-esm': {
    shared: true,
    types: true,
    command: 'playwright',
    args: () => ['test', '--reporter=list,json'],
    env: (file) => ({ PLAYWRIGHT_JSON_OUTPUT_FILE: file, LAUNCH_OPTIONS: JSON.stringify(launchOptions()) }),
    read: playwrightCounts,
  },
  'jest-cjs': { ...jest },
  'jest-ts': { ...jest, shared: true, types: true },
  vitest: {
    shared: true,
    types: true,
    command: 'vitest',
    args: (file) => ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`],
    read: jestCounts,
  },
  // npm installs missing peers, and refuses ones of a wrong version, unless told to take the project as it is.
  'msw-missing': { ...nodeTest, flags: ['--legacy-peer-deps'] },
  'msw-too-old': { ...nodeTest, flags: ['--legacy-peer-deps', '--ignore-scripts'] },
}

// Their output is only shown when something failed, between other lines.
const plain = { NO_COLOR: '1', FORCE_COLOR: undefined }

const versionHere = (name) => JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')).version

async function pack(folder) {
  const { code, output } = await run('npm', ['pack', '--pack-destination', folder, '--ignore-scripts'], {
    quiet: true,
    limitMs: 60_000,
  })
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'))
  if (code !== 0 || !tarball) throw new Error(`npm pack failed\n${output}`)
  return join(folder, tarball)
}

/** Copies the consumer's files and installs the tarball with what the consumer names. */
async function install(name, folder, tarball) {
  if (consumers[name].shared) cpSync(join(here, 'shared'), folder, { recursive: true })
  cpSync(join(here, name), folder, { recursive: true })
  const file = join(folder, 'package.json')
  const manifest = JSON.parse(readFileSync(file, 'utf8'))
  for (const [dependency, version] of Object.entries(manifest.devDependencies))
    if (version === '*') manifest.devDependencies[dependency] = versionHere(dependency)
  manifest.devDependencies.meshwright = `file:${tarball}`
  writeFileSync(file, JSON.stringify(manifest, null, 2))
  const { flags = [] } = consumers[name]
  const { code, output } = await run(
    'npm',
    ['install', ...flags, '--prefer-offline', '--no-audit', '--no-fund', '--loglevel', 'error'],
    { cwd: folder, quiet: true, limitMs: 240_000 },
  )
  return code === 0 ? undefined : output
}

async function types(folder) {
  const { code, output } = await run(bin('tsc', folder), ['-p', '.', '--pretty', 'false'], {
    cwd: folder,
    quiet: true,
    limitMs: 120_000,
  })
  if (code !== 0) console.log(output.trimEnd())
  return code === 0
}

async function test(name, folder) {
  const { command, args, env = () => ({}), read } = consumers[name]
  const file = join(folder, 'results.json')
  const result = await suite(command === process.execPath ? command : bin(command, folder), args(file), {
    cwd: folder,
    env: { ...plain, ...env(file) },
    file,
    read,
    quiet: true,
    limitMs: 120_000,
  })
  if (result.failed > 0) console.log(result.output.trimEnd())
  if (!consumers[name].types) return result
  const ok = await types(folder)
  return {
    passed: result.passed + (ok ? 1 : 0),
    failed: result.failed + (ok ? 0 : 1),
    note: [result.note, ok ? '' : 'types do not compile'].filter(Boolean).join(', '),
  }
}

const wanted = option('--consumer')?.split(',') ?? Object.keys(consumers)
const unknown = wanted.filter((name) => !(name in consumers))
if (unknown.length > 0) {
  console.error(`package: no consumer ${unknown.join(', ')}; there are ${Object.keys(consumers).join(', ')}`)
  process.exit(1)
}

const work = mkdtempSync(join(tmpdir(), 'meshwright-package-'))
const total = { passed: 0, failed: 0 }
try {
  await buildWhenStale()
  const tarball = await pack(work)
  const folderOf = (name) => join(work, name)
  // Installing waits for the disk and the registry, so all at once; the tests one after the other.
  const problems = await Promise.all(wanted.map((name) => install(name, folderOf(name), tarball)))
  for (const [at, name] of wanted.entries()) {
    let result
    if (problems[at] !== undefined) {
      console.log(problems[at].trimEnd())
      result = { passed: 0, failed: 1, note: 'npm install failed' }
    } else result = await test(name, folderOf(name))
    total.passed += result.passed
    total.failed += result.failed
    console.log(
      `package: ${name}  ${result.passed} passed, ${result.failed} failed${result.note ? `  (${result.note})` : ''}`,
    )
  }
} catch (error) {
  console.error(`package: ${error.message}`)
  total.failed++
} finally {
  if (process.argv.includes('--keep')) console.log(`package: kept ${work}`)
  else if (existsSync(work)) rmSync(work, { recursive: true, force: true, maxRetries: 3 })
}
const results = option('--results')
if (results) writeFileSync(results, JSON.stringify(total))
process.exitCode = total.failed > 0 ? 1 : 0
