/**
 * Measures and prints; builds dist before when it is stale. Each section runs in a process of its own.
 *
 *   npm run bench [-- --write] [--only peers,soak,handlers,...] [--reuse] [--quick]
 *     [--minutes 5] [--peers wiremock,...] [--scenarios one,...]
 *
 * `--write` also writes docs/performance.md and its charts, from all sections. `--quick` takes a few rounds only: enough to
 * see whether everything works. `--reuse` takes what `--only` leaves out from the run before. `--minutes` is how long the soak takes, the last two choose among the peers; README.md tells
 * more.
 */
import { fork } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { build, isFresh } from '../scripts/build.mjs'
import { bin, cacheFolder, root, run } from '../scripts/command.mjs'
import { barChart, lineChart } from './chart.mjs'
import { page, sections } from './page.mjs'
import { peersChart } from './peers-page.mjs'

const { argv } = process
const isWriting = argv.includes('--write')
const isQuick = argv.includes('--quick')
const valueOf = (flag) => (argv.includes(flag) ? (argv[argv.indexOf(flag) + 1] ?? '') : undefined)
const only = valueOf('--only')?.split(',') ?? Object.keys(sections)
const minutes = Number(valueOf('--minutes') ?? (isQuick ? 0.1 : 5))
if (!(minutes > 0)) {
  console.error(`bench: --minutes takes a number, got ${valueOf('--minutes')}`)
  process.exit(2)
}
const limitMinutes = { peers: 25, soak: minutes + 4 }

/** What sections read of the command line. */
const settings = {
  BENCH_MINUTES: String(minutes),
  ...(isQuick && { BENCH_ROUNDS: '2', BENCH_QUICK: '1' }),
  ...(valueOf('--peers') && { BENCH_PEERS: valueOf('--peers') }),
  ...(valueOf('--scenarios') && { BENCH_SCENARIOS: valueOf('--scenarios') }),
}

const unknown = only.filter((name) => !(name in sections))
const kept = join(cacheFolder, 'bench.json')
const results = argv.includes('--reuse') ? JSON.parse(readFileSync(kept, 'utf8')) : {}
const isPart =
  Object.keys(sections).some((name) => !only.includes(name) && !(name in results)) ||
  argv.includes('--peers') ||
  argv.includes('--scenarios')
if (unknown.length > 0 || (isWriting && isPart)) {
  console.error(
    unknown.length > 0
      ? `bench: no section ${unknown.join(', ')}; there are ${Object.keys(sections).join(', ')}`
      : 'bench: --write takes all there is: leave out --only (or add --reuse), --peers and --scenarios',
  )
  process.exit(2)
}

/** What the section's process reports. */
function measured(name) {
  return new Promise((resolve, reject) => {
    const child = fork(join(root, 'bench', `${name}.mjs`), {
      execArgv: ['--expose-gc', '--no-warnings'],
      env: { ...process.env, ...settings },
    })
    const limitMs = (limitMinutes[name] ?? 5) * 60_000
    // It has servers to end, and is ended itself when it does not.
    const limit = setTimeout(() => {
      child.kill('SIGTERM')
      setTimeout(() => child.kill('SIGKILL'), 5_000).unref()
    }, limitMs)
    let result
    child.on('message', (message) => (result = message))
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      clearTimeout(limit)
      if (result !== undefined && code === 0) resolve(result)
      else reject(new Error(`${name} ${signal ? `was ended after ${limitMs / 1000} s` : `failed with code ${code}`}`))
    })
  })
}

if (!isFresh()) console.log(`bench: built ${await build()} files`)
for (const name of only) {
  const startedAt = performance.now()
  results[name] = await measured(name)
  // A section that fails later on does not take with it what this one has found.
  mkdirSync(cacheFolder, { recursive: true })
  writeFileSync(kept, JSON.stringify(results))
  console.log(
    `\n${sections[name](results[name])}\n\n(${name}: ${((performance.now() - startedAt) / 1000).toFixed(0)} s)`,
  )
}

const added = results.jest?.flatMap(({ heavy }) => heavy) ?? []
if (added.length > 0) {
  console.error(`bench: the sandbox of Jest has loaded what must stay outside: ${added.join(', ')}`)
  process.exitCode = 1
}

const broken = results.soak?.checks.filter(({ isMet }) => isMet === false) ?? []
if (broken.length > 0) {
  console.error(`bench: the soak found no proof that ${broken.map(({ what }) => what).join(', nor that ')}`)
  process.exitCode = 1
}

if (isWriting) {
  const chart = lineChart({
    title: 'One call, by the number of handlers',
    xLabel: 'handlers on the service (logarithmic)',
    yLabel: 'CPU time of a call, µs (logarithmic)',
    lines: results.handlers.handlers.map(({ way, points }) => ({
      name: way,
      points: points.map(({ count, us }) => ({ x: count, y: us })),
    })),
  })
  writeFileSync(join(root, 'docs', 'performance-handlers.svg'), chart)
  writeFileSync(join(root, 'docs', 'performance-peers.svg'), barChart(peersChart(results.peers)))
  const parts = Object.keys(sections).map((name) => sections[name](results[name]))
  const about = { processors: availableParallelism(), node: process.versions.node }
  const file = join(root, 'docs', 'performance.md')
  writeFileSync(file, page(parts, about))
  // Tables and wrapped lines are set by the formatter, like every other page.
  await run(bin('prettier'), ['--write', '--log-level', 'warn', file], { quiet: true })
  console.log('\nbench: wrote docs/performance.md and its charts')
}
