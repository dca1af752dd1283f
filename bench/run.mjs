/**
 * Measures and prints; builds dist before when it is stale. Each section runs in a process of its own.
 *
 *   npm run bench [-- --write] [--only handlers,lifecycle,throughput,jest,tracing,simulation] [--quick]
 *
 * `--write` also writes docs/performance.md and its chart, from all sections. `--quick` takes a few rounds only: enough to
 * see whether everything works.
 */
import { fork } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { build, isFresh } from '../scripts/build.mjs'
import { bin, root, run } from '../scripts/command.mjs'
import { lineChart } from './chart.mjs'
import { page, sections } from './page.mjs'

const { argv } = process
const isWriting = argv.includes('--write')
const only = argv.includes('--only') ? (argv[argv.indexOf('--only') + 1] ?? '').split(',') : Object.keys(sections)
const limitMs = 300_000

const unknown = only.filter((name) => !(name in sections))
if (unknown.length > 0 || (isWriting && only.length < Object.keys(sections).length)) {
  console.error(
    unknown.length > 0
      ? `bench: no section ${unknown.join(', ')}; there are ${Object.keys(sections).join(', ')}`
      : 'bench: --write takes all sections, leave out --only',
  )
  process.exit(2)
}

/** What the section's process reports. */
function measured(name) {
  return new Promise((resolve, reject) => {
    const child = fork(join(root, 'bench', `${name}.mjs`), {
      execArgv: ['--expose-gc', '--no-warnings'],
      env: { ...process.env, ...(argv.includes('--quick') && { BENCH_ROUNDS: '2' }) },
    })
    const limit = setTimeout(() => child.kill('SIGKILL'), limitMs)
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
const results = {}
for (const name of only) {
  const startedAt = performance.now()
  results[name] = await measured(name)
  console.log(
    `\n${sections[name](results[name])}\n\n(${name}: ${((performance.now() - startedAt) / 1000).toFixed(0)} s)`,
  )
}

const added = results.jest?.flatMap(({ heavy }) => heavy) ?? []
if (added.length > 0) {
  console.error(`bench: the sandbox of Jest has loaded what must stay outside: ${added.join(', ')}`)
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
  const parts = Object.keys(sections).map((name) => sections[name](results[name]))
  const about = { processors: availableParallelism(), node: process.versions.node }
  const file = join(root, 'docs', 'performance.md')
  writeFileSync(file, page(parts, about))
  // Tables and wrapped lines are set by the formatter, like every other page.
  await run(bin('prettier'), ['--write', '--log-level', 'warn', file], { quiet: true })
  console.log('\nbench: wrote docs/performance.md and docs/performance-handlers.svg')
}
