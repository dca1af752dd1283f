/**
 * Shows what this project does, from a fresh clone with nothing but Node: sets everything up, runs the suites of the
 * checkout example (Jest and Playwright, against a real service in a process of its own), then one scenario whose graph,
 * traces and circuits are printed here and written to demo-report. The exit code tells whether all of it held.
 *
 *   npm run demo
 */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { bin, cacheFolder, root } from './command.mjs'
import { browser, buildWhenStale, install } from './setup.mjs'
import { jestCounts, playwrightCounts, suite } from './suite.mjs'

const example = join(root, 'examples', 'checkout')
const report = join(root, 'demo-report')
const results = (name) => join(cacheFolder, 'demo', `${name}.json`)
const minutes = (count) => count * 60_000

const title = (text) => console.log(`\n${'-'.repeat(4)} ${text} ${'-'.repeat(Math.max(4, 100 - text.length))}\n`)

const jest = () => {
  const file = results('jest')
  const args = ['--config', join(example, 'jest.config.ts'), '--json', `--outputFile=${file}`, '--verbose']
  return suite(bin('jest'), args, { file, limitMs: minutes(4), read: jestCounts })
}

const playwright = (name, config, options = {}) => {
  const file = results(name)
  return suite(bin('playwright'), ['test', '--config', config, '--reporter=list,json'], {
    file,
    env: { PLAYWRIGHT_JSON_OUTPUT_FILE: file, DEMO_REPORT: report },
    limitMs: minutes(4),
    read: playwrightCounts,
    ...options,
  })
}

async function demo() {
  await install()
  await buildWhenStale()
  await browser()
  rmSync(report, { recursive: true, force: true })

  title('the checkout example, with Jest')
  const rows = [['Jest', await jest()]]
  title('the checkout example, with Playwright and Chromium')
  rows.push(['Playwright', await playwright('playwright', join(example, 'playwright.config.ts'))])
  title('the payment gateway times out during checkout, and comes back')
  const last = await playwright('scenario', join(example, 'demo', 'playwright.config.ts'), { quiet: true })
  rows.push(['Scenario', last])
  if (last.failed > 0) console.log(last.output)
  else
    for (const [name, heading] of [
      ['graph.mmd', 'graph, for Mermaid (graph.svg is the picture)'],
      ['report.txt', undefined],
    ])
      console.log(`${heading ? `== ${heading}\n` : ''}${readFileSync(join(report, name), 'utf8')}`)

  title('summary')
  for (const [name, { passed, failed, note }] of rows)
    console.log(`${name.padEnd(12)} ${passed} passed, ${failed} failed  ${note}`.trimEnd())
  const index = join(report, 'index.html')
  if (existsSync(index)) console.log(`\nThe report: ${relative(process.cwd(), index)}`)
  return rows.every(([, { failed }]) => failed === 0)
}

try {
  if (!(await demo())) process.exitCode = 1
} catch (error) {
  console.error(`demo: ${error.message}`)
  process.exitCode = 1
}
