import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { blocks, root } from './pages.ts'
import { createWorkspace, modules, pathOf, removeWorkspace } from './workspace.ts'
import type { Runner } from './workspace.ts'

// The files of the documentation under the runners that they are for, as a consumer has them: 'meshwright' is found by its
// name and is what was built, so dist has to be there (`npm test` builds it before).
const workspace = createWorkspace('by name')
afterAll(() => removeWorkspace(workspace.folder))

const bin = (name: string) => join(root, 'node_modules', '.bin', name)

/** Writes the files of all projects of this runner, each project a folder. */
function projectsOf(runner: Runner, type: 'commonjs' | 'module'): { folder: string; names: string[]; tests: number } {
  const own = blocks.filter(({ does }) => does === runner)
  const names = [...new Set(own.map((block) => block.with))]
  const folder = join(workspace.folder, runner)
  for (const name of names) {
    workspace.write(`${runner}/${name}/package.json`, JSON.stringify({ private: true, type }))
    for (const { path, code } of modules()) workspace.write(`${runner}/${name}/${path}`, code)
  }
  for (const block of own) workspace.write(`${runner}/${block.with}/${pathOf(block)}`, block.code)
  const tests = own.flatMap(
    ({ code }) => code.match(/^\s*(?:test|it|typed)(?:\.(?!describe)\w+)*\(\s*['`]/gm) ?? [],
  ).length
  return { folder, names, tests }
}

/** Ends with the runner. Its environment is not that of this test, which a runner would take for its own. */
function run(command: string, args: string[], cwd: string, more: NodeJS.ProcessEnv = {}) {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(VITEST|JEST|NODE_ENV|NODE_OPTIONS|MESHWRIGHT_SEED|TEST|DEV|PROD|MODE|SSR|BASE_URL)/.test(name),
  )
  return new Promise<{ code: number | null; printed: string }>((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...Object.fromEntries(kept), NO_COLOR: '1', ...more },
      timeout: 60_000,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let printed = ''
    child.stdout.on('data', (chunk: Buffer) => (printed += chunk))
    child.stderr.on('data', (chunk: Buffer) => (printed += chunk))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, printed }))
  })
}

interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
}

const counts = (file: string) => {
  const { numPassedTests: passed, numFailedTests: failed } = JSON.parse(readFileSync(file, 'utf8')) as Report
  return { passed, failed }
}

/** Runs the projects of one kind in one Jest. */
async function runJest(runner: 'jest' | 'jest-esm', module: 'commonjs' | 'es6', env: NodeJS.ProcessEnv = {}) {
  const { folder, names, tests } = projectsOf(runner, module === 'es6' ? 'module' : 'commonjs')
  const typescript = [
    '@swc/jest',
    { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: module } },
  ]
  const projects = names.map((name) => ({
    rootDir: join(folder, name),
    testMatch: ['<rootDir>/**/*.test.{ts,js}'],
    transform: { '^.+\\.ts$': typescript },
    moduleFileExtensions: ['ts', 'js', 'json'],
    ...(module === 'es6' && { extensionsToTreatAsEsm: ['.ts'] }),
    // Pages about what stands before all tests have it in these files.
    ...(name === 'gateway' && {
      globalSetup: '<rootDir>/global-setup.mjs',
      globalTeardown: '<rootDir>/global-teardown.mjs',
    }),
  }))
  const config = workspace.write(`${runner}/jest.config.json`, JSON.stringify({ rootDir: folder, projects }))
  const output = join(folder, 'report.json')
  const args = ['--config', config, '--json', '--outputFile', output, '--runInBand']
  const { code, printed } = await run(bin('jest'), args, folder, env)
  expect(code, printed).toBe(0)
  expect(counts(output)).toEqual({ passed: tests, failed: 0 })
}

describe('the files of the documentation pass', () => {
  test('under Jest', () => runJest('jest', 'commonjs'), 60_000)

  test(
    'under Jest with ES modules',
    () => runJest('jest-esm', 'es6', { NODE_OPTIONS: '--experimental-vm-modules' }),
    60_000,
  )

  test('under Playwright', async () => {
    const { folder, tests } = projectsOf('playwright', 'module')
    workspace.write(
      'playwright/playwright.config.mjs',
      [
        `import { launchOptions } from '${pathToFileURL(join(root, 'scripts', 'browser.mjs')).href}'`,
        `export default { testDir: '.', globalSetup: './gateway/global-setup.mjs', workers: 1, reporter: 'json', outputDir: 'results', use: { launchOptions: launchOptions() } }`,
      ].join('\n'),
    )
    const output = join(folder, 'report.json')
    const { code, printed } = await run(bin('playwright'), ['test'], folder, { PLAYWRIGHT_JSON_OUTPUT_FILE: output })
    expect(code, printed + tryRead(output)).toBe(0)
    const { stats } = JSON.parse(readFileSync(output, 'utf8')) as { stats: { expected: number; unexpected: number } }
    expect(stats).toMatchObject({ expected: tests, unexpected: 0 })
  }, 60_000)

  test('under Vitest', async () => {
    const { folder, tests } = projectsOf('vitest', 'module')
    workspace.write('vitest/vitest.config.mjs', "export default { test: { include: ['**/*.test.ts'] } }\n")
    const output = join(folder, 'report.json')
    const args = ['run', '--root', folder, '--reporter=json', `--outputFile=${output}`]
    const { code, printed } = await run(bin('vitest'), args, folder)
    expect(code, printed + tryRead(output)).toBe(0)
    expect(counts(output)).toEqual({ passed: tests, failed: 0 })
  }, 60_000)

  test("under Node's own runner", async () => {
    const { folder, names } = projectsOf('node', 'module')
    for (const name of names) {
      const { code, printed } = await run(process.execPath, ['--test'], join(folder, name))
      expect(code, printed).toBe(0)
      expect(printed).toMatch(/pass [1-9]/)
    }
  }, 60_000)
})

function tryRead(file: string): string {
  try {
    return readFileSync(file, 'utf8').slice(0, 6_000)
  } catch {
    return ''
  }
}
