import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { expect, test } from '@playwright/test'
import { root, runCases } from './cases.ts'
import type { CasesRun } from './cases.ts'
import type { RecordedStep } from './fixtures/record-reporter.ts'

/** The steps of faults with their places, one line each; the line of the source in place of its number. */
function faultSteps(steps: readonly RecordedStep[], folder: string, depth = ''): string[] {
  const source = (file: string, line: number) => readFileSync(file, 'utf8').split('\n')[line - 1]!
  return steps.flatMap(({ title, file, line, steps: inner }) => [
    ...(title.startsWith('chaos: ')
      ? [
          `${depth}${title} @ ${file?.startsWith(folder) ? basename(file) : String(file)}: ${source(file!, line!)
            .trim()
            .replace(/.*\/\/ here: /, '')}`,
        ]
      : []),
    ...faultSteps(inner, folder, `${depth}  `),
  ])
}

const expectedSteps = [
  'chaos: outage orders @ reports.case.ts: outage',
  'chaos: outage orders reverted, 1 hit @ reports.case.ts: outage reverted',
  'chaos: abort app->orders { status: 503, times: 1 } @ reports.case.ts: abort',
  'chaos: abort app->orders used-up, 1 hit @ reports.case.ts: abort',
  '  chaos: latency orders { ms: 5, forMs: 20 } @ reports.case.ts: latency',
  '  chaos: latency orders expired, 0 hits @ reports.case.ts: latency',
  'chaos: truncate orders @ helpers.ts: truncate',
  'chaos: truncate orders reverted, 0 hits @ helpers.ts: truncate reverted',
  'chaos: hang orders { forMs: 60000 } @ reports.case.ts: hang',
  'chaos: hang orders expired, 0 hits @ reports.case.ts: hang',
  'chaos: reset orders @ reports.case.ts: reset',
]

const names = (run: CasesRun, title: string) =>
  run
    .test(title)
    .attachments.map(({ name }) => name)
    .filter((name) => name.startsWith('mesh-'))

test.describe('a report', () => {
  let run: CasesRun
  test.beforeAll(async () => {
    test.setTimeout(90_000)
    run = await runCases({ projects: ['reports', 'configured'] })
  })

  test('shows faults and their ends as steps, at the lines of the test', () => {
    const { status, steps } = run.test('faults are steps')
    expect(status).toBe('passed')
    expect(faultSteps(steps, join(root, 'test', 'e2e', 'fixtures'))).toEqual(expectedSteps)
  })

  test('has the evidence of a failure', () => {
    const { attachments, annotations } = run.test('fails')
    const evidence = Object.fromEntries(attachments.map(({ name, body }) => [name, body ?? '']))
    expect(names(run, 'fails')).toEqual([
      'mesh-report.html',
      'mesh-journal.jsonl',
      'mesh-graph.svg',
      'mesh-trace.txt',
      'mesh-trace.html',
    ])
    const journal = evidence['mesh-journal.jsonl']!.trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string })
    expect(journal.filter(({ type }) => type === 'call.ended')).toHaveLength(4)
    expect(evidence['mesh-report.html']).toMatch(/^<!doctype html>/i)
    expect(evidence['mesh-graph.svg']).toMatch(/^<svg[\s\S]*<\/svg>\s*$/)
    expect(evidence['mesh-trace.txt']).toContain('orders: GET /orders')
    expect(evidence['mesh-trace.html']).toContain('<table')
    expect(annotations).toEqual([{ type: 'seed', description: expect.stringMatching(/MESHWRIGHT_SEED=\d+$/) }])
  })

  test('has none of a success, or of a failure that was expected', () => {
    for (const title of ['faults are steps', 'fails as expected', 'makes a mistake and is skipped'])
      expect(
        run
          .test(title)
          .attachments.map(({ name }) => name)
          .filter((name) => name.startsWith('mesh-')),
      ).toEqual([])
  })

  test('explains a call that is not declared, and a request that nobody takes', () => {
    const undeclared = run.test('makes an undeclared call')
    expect(undeclared.status).toBe('failed')
    expect(undeclared.errors).toEqual([
      expect.stringMatching(/^MeshError: "app" called "vault" \(GET \/\)[\s\S]*\[MESH_UNDECLARED_CALL\]\s*$/),
    ])
    expect(names(run, 'makes an undeclared call')).toContain('mesh-journal.jsonl')
    expect(run.test('makes a request that nobody takes').errors).toEqual([
      expect.stringMatching(/^MeshError: No handler of service "orders" takes GET \/order[\s\S]*Nearest: GET \/orders/),
    ])
    expect(run.test('makes two mistakes').errors).toEqual([
      expect.stringMatching(/^Error: The mesh noticed 2 mistakes:\n\n"app" called "vault"[\s\S]*\n\nNo handler of/),
    ])
  })

  test('says nothing of mistakes when the test failed by itself, or was skipped', () => {
    const failed = run.test('makes a mistake and fails by itself')
    expect(failed.errors).toHaveLength(1)
    expect(failed.errors[0]).toContain('expect(received).toBe(expected)')
    expect(run.test('makes a mistake and is skipped')).toMatchObject({ status: 'skipped', errors: [] })
  })

  test('never shows the inside of this package', () => {
    for (const { errors } of run.tests) expect(errors.join('\n')).not.toMatch(/dist\/esm|at .*fixtures\/playwright/)
  })

  test('shows what a matcher saw', () => {
    const { errors } = run.test('asks for what did not happen')
    const shown = errors.map((error) => error.slice(error.indexOf('expect(')))
    expect(shown).toEqual([
      expect.stringMatching(
        /toHaveOpenedCircuit\({ afterFailures: 5 }\)\nExpected the circuit to open after 5 failures/,
      ),
      expect.stringMatching(
        /toHaveCallCount\(3\)\nExpected 3 calls, but there was 1:\n +\d+ ms {2}GET \/orders {2}200\n/,
      ),
      expect.stringMatching(/not\.toHaveCallCount\(1\)\nExpected a number of calls other than 1, but there was 1:/),
      expect.stringMatching(/^expect\(service orders\)\.toHaveReceived\('POST \/orders', { times: 1 }\)/),
      expect.stringMatching(/toEventuallyHaveCallCount\(2, { withinMs: 30 }\)[\s\S]*Waited 30 ms\.\n/),
      expect.stringMatching(/toEventuallyHaveTimedOut\(\)[\s\S]*Waited 40 ms\.\n/),
      expect.stringMatching(/toPropagateTrace\({ through: \['app', 'vault'\] }\)/),
      expect.stringMatching(/toHaveCallCount\(2\)\nExpected 2 calls, but there was 1:/),
    ])
    expect(errors[3]).toMatch(/^Error: the order was sent/)
  })

  test('explains what is missing', () => {
    for (const title of ['to who wants a mesh', 'to who wants chaos'])
      expect(run.test(title).errors).toEqual([
        expect.stringMatching(/^MeshError: The fixture `mesh` is used, but no mesh/),
      ])
    expect(run.test('is refused').errors).toEqual([expect.stringContaining('expected a definition, got')])
    expect(run.test('is refused, too').errors).toEqual([
      expect.stringContaining('there is no option `sead`. Did you mean "seed"?'),
    ])
    expect(run.test('is not missed').status).toBe('passed')
  })

  test('of tests without pages has no browser in it', () => {
    expect(run.test('an API-only test needs no browser').status).toBe('passed')
    expect(run.test('a page does').errors.join()).toContain("executable doesn't exist at /no/browser")
  })

  test('of two workers at once has one mesh in each', () => {
    for (const me of [1, 2]) expect(run.test(`worker ${me} sees its own mesh only`).errors).toEqual([])
  })

  test('has the definition of the configuration', () => {
    expect(run.test('the definition comes from the configuration').errors).toEqual([])
  })
})

test('the package installed in node_modules shows the same places', async () => {
  test.setTimeout(90_000)
  const folder = mkdtempSync(join(tmpdir(), 'meshwright-installed-'))
  try {
    const modules = join(folder, 'node_modules')
    const installed = join(modules, 'meshwright')
    mkdirSync(installed, { recursive: true })
    cpSync(join(root, 'dist'), join(installed, 'dist'), { recursive: true })
    cpSync(join(root, 'package.json'), join(installed, 'package.json'))
    for (const name of readdirSync(join(root, 'node_modules')))
      if (!name.startsWith('.')) symlinkSync(join(root, 'node_modules', name), join(modules, name))
    for (const name of ['reports.case.ts', 'helpers.ts', 'pair.mesh.ts', 'record-reporter.ts'])
      cpSync(join(root, 'test', 'e2e', 'fixtures', name), join(folder, name))
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    const config = join(folder, 'playwright.config.mjs')
    writeFileSync(
      config,
      `export default { testMatch: '*.case.ts', grep: /faults are steps|undeclared/, outputDir: process.env.CASES_OUTPUT + '/results',
        reporter: './record-reporter.ts', projects: [{ name: 'installed' }] }`,
    )
    const run = await runCases({ projects: ['installed'], config })
    expect(faultSteps(run.test('faults are steps').steps, folder)).toEqual(expectedSteps)
    expect(run.test('makes an undeclared call').errors.join()).not.toContain('node_modules')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
