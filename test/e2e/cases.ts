import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { launchOptions } from '../../scripts/browser.mjs'
import type { RecordedTest } from './fixtures/record-reporter.ts'

export const root = join(import.meta.dirname, '..', '..')

export interface CasesRun {
  tests: RecordedTest[]
  /** Errors outside of tests. */
  errors: string[]
  exitCode: number | null
  output: string
  /** What the cases left under this name. */
  left(name: string): unknown
  leftNames(): string[]
  test(title: string): RecordedTest
}

interface Options {
  projects: string[]
  config?: string
  /** Called with what the cases write, until it answers true: then they get a SIGINT, as by Ctrl+C. */
  interruptWhen?: (run: Pick<CasesRun, 'leftNames'>) => boolean
}

/** Runs the cases of ./fixtures, or of another configuration, in a Playwright of their own. */
export async function runCases({
  projects,
  config = join(import.meta.dirname, 'fixtures', 'playwright.config.ts'),
  interruptWhen,
}: Options): Promise<CasesRun> {
  const folder = mkdtempSync(join(tmpdir(), 'meshwright-cases-'))
  const record = join(folder, 'record.json')
  const args = ['test', '-c', config, ...projects.flatMap((project) => ['--project', project])]
  const child = spawn(process.execPath, [join(root, 'node_modules', '@playwright', 'test', 'cli.js'), ...args], {
    // What a worker of Playwright has in its environment would make the child take itself for one.
    env: {
      ...Object.fromEntries(
        Object.entries(process.env).filter(([name]) => !/^(TEST_|PLAYWRIGHT_|PW_|PWTEST|MESHWRIGHT_)/.test(name)),
      ),
      CASES_OUTPUT: folder,
      CASES_RECORD: record,
      CASES_LAUNCH: JSON.stringify(launchOptions()),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += String(chunk)))
  child.stderr.on('data', (chunk: Buffer) => (output += String(chunk)))
  const leftNames = () => readdirSync(folder).flatMap((name) => (/^(.*)\.json$/.exec(name) ?? [])[1] ?? [])
  const interrupting = setInterval(() => {
    if (!interruptWhen?.({ leftNames })) return
    clearInterval(interrupting)
    child.kill('SIGINT')
  }, 50)
  const exitCode = await new Promise<number | null>((resolve) => child.once('close', resolve))
  clearInterval(interrupting)
  try {
    const left = Object.fromEntries(
      leftNames().map((name) => [name, JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as unknown]),
    )
    const { tests = [], errors = [] } = (left['record'] ?? {}) as { tests?: RecordedTest[]; errors?: string[] }
    // The folder is gone when the run is read.
    for (const { attachments } of tests)
      for (const one of attachments) if (one.path !== undefined) one.body = readFileSync(one.path, 'utf8')
    return {
      tests,
      errors,
      exitCode,
      output: stripVTControlCharacters(output),
      left: (name) => left[name],
      leftNames: () => Object.keys(left),
      test(title) {
        const found = tests.find((test) => test.title === title)
        if (!found) throw new Error(`No test "${title}" in:\n${output}\n${JSON.stringify({ tests, errors }, null, 2)}`)
        return found
      },
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What connecting to an address gives: `open`, or the error's code. */
export function knock(url: string): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port) })
    socket.once('connect', () => {
      socket.destroy()
      resolve('open')
    })
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(String(code)))
  })
}
