/**
 * Everything that has to hold: setup, lint, types, the tests of each runner, coverage, the packed package. Goes on after a
 * failing suite, so that one run tells everything; each suite has a time limit, so that nothing hangs.
 *
 *   node scripts/test.mjs [--full] [--only types,vitest]
 *
 * `--full` adds test/slow. The last line is always `N passed, N failed`: the tests of all runners, and each check that is
 * not made of tests (a type project, a linter, a coverage threshold) as one.
 */
import { readFileSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { checkTypes } from './check-types.mjs'
import { bin, cacheFolder, root, run } from './command.mjs'
import { browser, buildWhenStale, install } from './setup.mjs'
import { jestCounts, playwrightCounts, suite } from './suite.mjs'

const isFull = process.argv.includes('--full')
const onlyAt = process.argv.indexOf('--only')
const only = onlyAt > 0 ? process.argv[onlyAt + 1]?.split(',') : undefined

const minutes = (count) => count * 60_000
const results = (name) => join(cacheFolder, 'results', `${name}.json`)
// CI: a missing snapshot fails instead of being written, and so does a forgotten `.only`.
const env = { CI: '1', ...(isFull && { MESHWRIGHT_SLOW: '1' }) }

/** One line of the summary. */
const one = (ok, note = '') => ({ passed: ok ? 1 : 0, failed: ok ? 0 : 1, note })

async function check(command, args, limitMs = minutes(2)) {
  const { code, timedOut } = await run(command, args, { limitMs })
  return one(code === 0, timedOut ? `ended after ${limitMs / 1000} s` : '')
}

// ---------------------------------------------------------------------------------------------------------- coverage

const coverageFile = join(root, 'coverage', 'coverage-summary.json')
const overallPercent = 90
const mustBeComplete = /src[\\/]resilience[\\/]circuit-breaker[^\\/]*\.ts$/

function coverage() {
  let summary
  try {
    summary = JSON.parse(readFileSync(coverageFile, 'utf8'))
  } catch {
    return one(false, 'no coverage summary: vitest did not finish')
  }
  const short = []
  for (const kind of ['lines', 'branches'])
    if (summary.total[kind].pct < overallPercent)
      short.push(`${kind} ${summary.total[kind].pct} % < ${overallPercent} %`)
  const breakers = Object.entries(summary).filter(([file]) => mustBeComplete.test(file))
  if (breakers.length === 0) short.push('no src/resilience/circuit-breaker*.ts in the summary')
  for (const [file, counts] of breakers)
    for (const kind of ['lines', 'branches'])
      if (counts[kind].pct < 100) short.push(`${basename(file)} ${kind} ${counts[kind].pct} % < 100 %`)
  const reached = `lines ${summary.total.lines.pct} %, branches ${summary.total.branches.pct} %`
  return one(short.length === 0, short.join(', ') || reached)
}

// ------------------------------------------------------------------------------------------------------------ suites

const node = process.execPath
const attw = ['--pack', '.', '--no-definitely-typed', '--no-color', '--no-emoji']
const script = (name) => join(root, 'scripts', name)

/** In this order; `attempt` answers with { passed, failed, note }. */
const suites = [
  { name: 'layers', attempt: () => check(node, [script('check-layers.mjs')]) },
  { name: 'oxlint', attempt: () => check(bin('oxlint'), ['--deny-warnings']) },
  { name: 'prettier', attempt: () => check(bin('prettier'), ['--check', '.', '--log-level', 'warn']) },
  { name: 'types', attempt: () => check(bin('tsc'), ['-p', 'tsconfig.json', '--noEmit', '--pretty', 'false']) },
  {
    name: 'type projects',
    attempt: async () => {
      const checked = await checkTypes()
      const failed = checked.filter(({ ok }) => !ok)
      return {
        passed: checked.length - failed.length,
        failed: failed.length,
        note: failed.map(({ project }) => project).join(', '),
      }
    },
  },
  {
    name: 'vitest',
    attempt: () => {
      rmSync(coverageFile, { force: true })
      const file = results('vitest')
      const args = ['run', '--coverage', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
      return suite(bin('vitest'), args, { file, env, limitMs: minutes(isFull ? 12 : 6), read: jestCounts })
    },
  },
  { name: 'coverage', attempt: coverage },
  {
    name: 'jest',
    attempt: () => {
      const file = results('jest')
      const args = ['--ci', '--json', `--outputFile=${file}`]
      return suite(bin('jest'), args, { file, env, limitMs: minutes(isFull ? 8 : 4), read: jestCounts })
    },
  },
  {
    name: 'playwright',
    attempt: () => {
      const file = results('playwright')
      return suite(bin('playwright'), ['test', '--reporter=list,json'], {
        file,
        env: { ...env, PLAYWRIGHT_JSON_OUTPUT_FILE: file },
        limitMs: minutes(isFull ? 8 : 4),
        read: playwrightCounts,
      })
    },
  },
  { name: 'publint', attempt: () => check(bin('publint'), ['--strict']) },
  {
    name: 'attw',
    // Resolution of Node 10 knows no subpaths.
    attempt: () => check(bin('attw'), [...attw, '--profile', 'node16', '--exclude-entrypoints', './vitest']),
  },
  {
    name: 'attw (esm)',
    // meshwright/vitest is ESM alone, as Vitest itself is.
    attempt: () => check(bin('attw'), [...attw, '--profile', 'esm-only', '--entrypoints', './vitest']),
  },
  {
    name: 'package',
    attempt: () => {
      const file = results('package')
      const args = [join(root, 'test', 'package', 'run.mjs'), '--results', file]
      return suite(node, args, { file, limitMs: minutes(6), read: (counts) => counts })
    },
  },
]

// --------------------------------------------------------------------------------------------------------------- run

const rows = []

async function attempt(name, work) {
  const startedAt = performance.now()
  console.log(`\n--- ${name}`)
  let result
  try {
    result = await work()
  } catch (error) {
    console.error(`${name}: ${error.message}`)
    result = one(false, error.message.split('\n')[0])
  }
  rows.push({ name, ...result, seconds: (performance.now() - startedAt) / 1000 })
  return result.failed === 0
}

function summarise() {
  const sum = (key) => rows.reduce((total, row) => total + row[key], 0)
  console.log(`\n${'suite'.padEnd(14)}${'passed'.padStart(8)}${'failed'.padStart(8)}${'seconds'.padStart(9)}`)
  for (const { name, passed, failed, seconds, note } of rows)
    console.log(
      `${name.padEnd(14)}${String(passed).padStart(8)}${String(failed).padStart(8)}${seconds.toFixed(1).padStart(9)}  ${note ?? ''}`.trimEnd(),
    )
  const failed = sum('failed')
  process.exitCode = failed > 0 ? 1 : 0
  console.log(`\n${sum('passed')} passed, ${failed} failed`)
}

const step = (work) => async () => {
  await work()
  return one(true)
}

if (await attempt('install', step(install))) {
  await attempt('build', step(buildWhenStale))
  const wanted = suites.filter(({ name }) => !only || only.includes(name))
  if (wanted.some(({ name }) => name === 'playwright' || name === 'package')) await attempt('browser', step(browser))
  for (const { name, attempt: work } of wanted) await attempt(name, work)
}
summarise()
