import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = join(__dirname, '..', '..')

interface Report {
  testResults: {
    message: string
    assertionResults: { fullName: string; status: string; failureMessages: string[] }[]
  }[]
}

export interface Outcome {
  /** Each test by its full title: its status or, when it failed, its messages. */
  tests: { [title: string]: string }
  /** The messages of the files. */
  messages: string
  /** Whether nothing kept the process alive after the last test: Jest complains after a second. */
  isOver: boolean
}

/** Runs files of `fixtures` by name in a Jest of their own, one after the other in one process. */
export async function runJest(names: string[], { nodeOptions = '' } = {}): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'meshwright-jest-'))
  const output = join(folder, 'report.json')
  const { JEST_WORKER_ID: _, MESHWRIGHT_SEED: __, ...env } = process.env
  try {
    const args = [
      join(root, 'node_modules', 'jest', 'bin', 'jest.js'),
      ...['--config', join(root, 'test', 'jest', 'fixtures', 'jest.config.cjs')],
      ...['--runInBand', '--json', '--outputFile', output],
      ...names.map((name) => `/fixtures/${name}\\.case\\.`),
    ]
    const printed = await run(args, { ...env, NODE_OPTIONS: nodeOptions })
    const { testResults } = JSON.parse(readFileSync(output, 'utf8')) as Report
    const assertions = testResults.flatMap(({ assertionResults }) => assertionResults)
    return {
      tests: Object.fromEntries(
        assertions.map(({ fullName, status, failureMessages }) => [
          fullName,
          status === 'failed' ? failureMessages.join('\n') : status,
        ]),
      ),
      messages: testResults.map(({ message }) => message).join('\n'),
      isOver: !printed.includes('Jest did not exit'),
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What the process printed. Rejects when it does not end by itself. */
function run(args: string[], env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: root,
      env,
      timeout: 60_000,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let printed = ''
    child.stderr.on('data', (chunk: Buffer) => (printed += chunk))
    child.on('error', reject)
    child.on('close', (_code, signal) =>
      signal ? reject(new Error(`jest did not end: ${printed}`)) : resolve(printed),
    )
  })
}
