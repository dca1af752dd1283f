/** Runs a test runner and counts its tests from the JSON that it writes, because its text is for people. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { run } from './command.mjs'

/** Jest's form, which Vitest writes too. A file that does not load counts as one failed test. */
export const jestCounts = (report) => {
  const unloaded = report.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0)
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + unloaded.length,
    skipped: report.numPendingTests + (report.numTodoTests ?? 0),
  }
}

export const playwrightCounts = ({ stats, errors = [] }) => ({
  passed: stats.expected,
  failed: stats.unexpected + stats.flaky + errors.length,
  skipped: stats.skipped,
})

/**
 * @param {string} command
 * @param {string[]} args
 * @param {{ file: string, read: (report: any) => { passed: number, failed: number, skipped?: number },
 *   limitMs: number, cwd?: string, env?: Record<string, string>, quiet?: boolean }} options
 *   `file` is where the runner writes; `read` counts what it wrote.
 * @returns {Promise<{ passed: number, failed: number, note: string, output: string }>} Whatever goes wrong is at least one
 *   failure.
 */
export async function suite(command, args, { file, read, limitMs, ...options }) {
  mkdirSync(dirname(file), { recursive: true })
  rmSync(file, { force: true })
  const { code, output, timedOut } = await run(command, args, { ...options, limitMs })
  if (timedOut) return { passed: 0, failed: 1, note: `ended after ${limitMs / 1000} s`, output }
  let counts
  try {
    counts = read(JSON.parse(readFileSync(file, 'utf8')))
  } catch (error) {
    const reason = error.code === 'ENOENT' ? 'no results' : `unreadable results (${error.message.split('\n')[0]})`
    return { passed: 0, failed: 1, note: `${reason}, exit code ${code}`, output }
  }
  const { passed, failed, skipped = 0 } = counts
  const note = skipped > 0 ? `${skipped} skipped` : ''
  if (passed + failed === 0) return { passed, failed: 1, note: 'no tests found', output }
  // Errors outside of tests (a worker that died, an unhandled rejection) show in the exit code alone.
  if (code !== 0 && failed === 0) return { passed, failed: 1, note: `exit code ${code}`, output }
  return { passed, failed, note, output }
}
