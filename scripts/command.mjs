/**
 * Runs other programs for the scripts of this folder: with a time limit, and with the whole process group gone when the
 * limit passes or when this process is interrupted, so that nothing is left behind.
 */
import { spawn } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))
export const cacheFolder = join(root, 'node_modules', '.cache', 'meshwright')

/** Path of a command that a dependency of this repository brings. */
export const bin = (name, folder = root) =>
  join(folder, 'node_modules', '.bin', process.platform === 'win32' ? `${name}.cmd` : name)

const isWindows = process.platform === 'win32'
const children = new Set()

function end(child, signal) {
  try {
    // Negative: the group. A test runner's workers and browsers are its grandchildren.
    if (isWindows) child.kill(signal)
    else process.kill(-child.pid, signal)
  } catch {
    // Already gone.
  }
}

let isWatching = false

/** From the first child on; whoever only imports this module keeps its own way of being interrupted. */
function endChildrenWhenInterrupted() {
  if (isWatching) return
  isWatching = true
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ])
    process.once(signal, () => {
      for (const child of children) end(child, 'SIGKILL')
      process.exit(code)
    })
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: Record<string, string | undefined>, limitMs?: number, quiet?: boolean }} [options]
 *   `limitMs` defaults to five minutes. `quiet` only collects the output instead of also passing it on.
 * @returns {Promise<{ code: number, output: string, timedOut: boolean, seconds: number }>} Never rejects; `code` is -1
 *   when the program could not be started or had to be ended.
 */
export function run(command, args, { cwd = root, env = {}, limitMs = 300_000, quiet = false } = {}) {
  const startedAt = performance.now()
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: !isWindows,
      shell: isWindows,
    })
    endChildrenWhenInterrupted()
    children.add(child)
    let output = ''
    let timedOut = false
    let killTimer
    const limit = setTimeout(() => {
      timedOut = true
      end(child, 'SIGTERM')
      killTimer = setTimeout(() => end(child, 'SIGKILL'), 5_000)
    }, limitMs)
    const collect = (stream) => (chunk) => {
      output += chunk
      if (!quiet) stream.write(chunk)
    }
    child.stdout.setEncoding('utf8').on('data', collect(process.stdout))
    child.stderr.setEncoding('utf8').on('data', collect(process.stderr))
    const finish = (code) => {
      if (!children.has(child)) return
      clearTimeout(limit)
      clearTimeout(killTimer)
      children.delete(child)
      // What the program left running (a server that a crashed test did not close) goes with it.
      if (child.pid !== undefined) end(child, 'SIGKILL')
      child.stdout.destroy()
      child.stderr.destroy()
      resolve({ code, output, timedOut, seconds: (performance.now() - startedAt) / 1000 })
    }
    child.once('error', (error) => {
      output += `${error}\n`
      finish(-1)
    })
    child.once('close', (code) => finish(timedOut ? -1 : (code ?? -1)))
    // A grandchild that keeps the pipe open must not keep us waiting for `close`.
    child.once('exit', (code) => setTimeout(finish, 2_000, timedOut ? -1 : (code ?? -1)).unref())
  })
}
