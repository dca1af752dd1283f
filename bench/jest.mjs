/**
 * What a Jest test file pays for using a mesh: files of CommonJS in the environment of this package against the same files in
 * Jest's own environment for Node, each in a Jest of its own, in turns. The figures are Jest's.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, run } from '../scripts/command.mjs'
import { median, report } from './measure.mjs'

const runs = Number(process.env.BENCH_ROUNDS ?? 5)
const files = 20

const plain = `test('is true', () => { expect(true).toBe(true) })`
const written = `
require('node:fs').writeFileSync(process.env.BENCH_MODULES, JSON.stringify(Object.keys(require.cache)))`

const kinds = {
  'plain, in the environment for Node': { environment: 'node', source: plain },
  'plain, in the environment of meshwright': { environment: 'meshwright/jest-environment', source: plain },
  "requires 'meshwright' and 'meshwright/jest'": {
    environment: 'meshwright/jest-environment',
    source: `require('meshwright')\nrequire('meshwright/jest')\n${plain}`,
  },
  'runs a test with a mesh of 5 services': {
    environment: 'meshwright/jest-environment',
    source: `
const { defineMesh } = require('meshwright')
const { useMesh } = require('meshwright/jest')
const names = ['a', 'b', 'c', 'd']
const calls = Object.fromEntries(names.map((name) => [name, {}]))
const services = Object.fromEntries(names.map((name) => [name, {}]))
const mesh = useMesh(defineMesh({ name: 'bench', services: { app: { underTest: true, calls }, ...services } }))
test('answers', async () => {
  expect((await fetch('http://d/')).status).toBe(200)
  expect(mesh.edge('app->d')).toHaveCallCount(1)
})`,
  },
}

// Inside the repository, so that the names of this package and of its dependencies resolve as they do for its own tests.
const scratch = join(root, '.scratch')
mkdirSync(scratch, { recursive: true })
const home = mkdtempSync(join(scratch, 'bench-jest-'))

async function runFiles({ environment, source }, count) {
  const folder = mkdtempSync(join(home, 'run-'))
  for (let i = 0; i < count; i++)
    writeFileSync(join(folder, `${i}.bench.cjs`), source + (i === count - 1 ? written : ''))
  const config = {
    rootDir: root,
    roots: [folder],
    testMatch: ['**/*.bench.cjs'],
    testEnvironment: environment === 'node' ? 'node' : join(root, 'dist', 'cjs', 'fixtures', 'jest-environment.js'),
    transform: {},
    modulePathIgnorePatterns: ['<rootDir>/node_modules/.cache/'],
  }
  const output = join(folder, 'report.json')
  const modules = join(folder, 'modules.json')
  const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js')
  const args = [jest, '--config', JSON.stringify(config), '--runInBand', '--json', '--outputFile', output]
  const { code, output: printed } = await run(process.execPath, args, {
    env: { BENCH_MODULES: modules, JEST_WORKER_ID: undefined },
    limitMs: 120_000,
    quiet: true,
  })
  if (code !== 0) throw new Error(printed)
  const times = JSON.parse(readFileSync(output, 'utf8'))
    .testResults.toSorted((a, b) => a.startTime - b.startTime)
    .map(({ startTime, endTime }) => endTime - startTime)
  const [first, ...others] = times
  return { first, other: median(others), modules: JSON.parse(readFileSync(modules, 'utf8')) }
}

/** Which of the packages that must not get into the sandbox did. */
const heavy = (modules) =>
  [
    /node_modules[\\/](msw|@mswjs)[\\/]/,
    /@opentelemetry/,
    /cockatiel/,
    /[\\/]src[\\/](mesh|tracing|transport)[\\/]/,
  ].filter((pattern) => modules.some((path) => pattern.test(path)))

try {
  const seen = new Map(Object.keys(kinds).map((name) => [name, []]))
  // The first round warms up the caches of Jest and of the machine.
  for (let round = 0; round <= runs; round++)
    for (const [name, kind] of Object.entries(kinds)) {
      const one = await runFiles(kind, files)
      if (round > 0) seen.get(name).push(one)
    }
  const base = seen.get(Object.keys(kinds)[0])
  report(
    Object.keys(kinds).map((name) => {
      const all = seen.get(name)
      const paths = all[0].modules
      return {
        name,
        modules: paths.length,
        heavy: heavy(paths).map(String),
        loaded: paths
          .map((path) => path.replace(root, '').replaceAll('\\', '/'))
          .filter((path) => path.startsWith('/dist')),
        addedFirstMs: median(all.map(({ first }, round) => first - base[round].first)),
        addedMs: median(all.map(({ other }, round) => other - base[round].other)),
      }
    }),
  )
} finally {
  rmSync(home, { recursive: true, force: true })
}
