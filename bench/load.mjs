/** Load on servers, from a process with a processor of its own. */
import { once } from 'node:events'
import { join } from 'node:path'
import { root } from '../scripts/command.mjs'
import { hasWrk, pinned, start } from './machine.mjs'

/** A generator that has more to do than this is what is measured, not the server. */
export const busiest = 0.9
/** And so is one that sends its requests this much later than it wanted to. */
const latestMs = 1

async function outputOf(command, args) {
  const child = start('generator', command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (chunk) => (output += chunk))
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`${command} ${args[0]} ended with ${code}: ${output.slice(-500)}`)
  return output
}

const units = { us: 1e-3, ms: 1, s: 1_000, m: 60_000 }
const msOf = (text) => {
  const [, number, unit] = /([\d.]+)(us|ms|s|m)/.exec(text ?? '') ?? []
  return number === undefined ? NaN : Number(number) * units[unit]
}

/** What wrk printed, and what its shell said of its processor time. */
export function parseWrk(output, seconds) {
  const latency = (percent) => msOf(new RegExp(`^ *${percent}%\\s+(\\S+)`, 'm').exec(output)?.[1])
  const number = (pattern) => Number(pattern.exec(output)?.[1] ?? 0)
  const [, connect, read, write, timeout] = /connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(output) ?? []
  // `times` of sh: its own user and system time, then on a second line those of its children.
  const used = [...(output.trim().split('\n').at(-1) ?? '').matchAll(/(\d+)m([\d.]+)s/g)]
  const cpu = used.reduce((sum, [, minutes, rest]) => sum + Number(minutes) * 60 + Number(rest), 0)
  return {
    perSecond: number(/Requests\/sec:\s+([\d.]+)/),
    answered: number(/(\d+) requests in/),
    not2xx: number(/Non-2xx or 3xx responses: (\d+)/),
    broken: [connect, read, write, timeout].reduce((sum, count = '0') => sum + Number(count), 0),
    latency: { p50: latency(50), p90: latency(90), p99: latency(99) },
    cpuShare: cpu / seconds,
  }
}

/** All connections at it without pause. `url` answers `status`, anything else is an error. */
async function closedOnce({ url, connections, seconds, status = 200, body }) {
  if (hasWrk) {
    const wrk = pinned('generator', 'wrk', [
      '-t1',
      `-c${connections}`,
      `-d${seconds}s`,
      '--latency',
      '--timeout',
      '10s',
      url,
    ])
    // Pinned twice does no harm; sh is there to say what wrk took.
    const output = await outputOf('sh', ['-c', '"$@"; times', 'sh', wrk[0], ...wrk[1]])
    const { not2xx, broken, ...rest } = parseWrk(output, seconds)
    return { ...rest, bad: broken + (status >= 200 && status < 400 ? not2xx : rest.answered - not2xx), lateness: 0 }
  }
  const { protocol: _, hostname: host, port, pathname: path } = new URL(url)
  return generated({ targets: [{ host, port, path }], connections, seconds, expected: [status], body })
}

async function generated(options) {
  return JSON.parse(await outputOf(process.execPath, [join(root, 'bench', 'generator.mjs'), JSON.stringify(options)]))
}

/** Whether the generator had room to spare; one more try before it is said on the page that it had not. */
const hadRoom = ({ cpuShare, latenessP99 = 0 }) => cpuShare <= busiest && latenessP99 <= latestMs
/** On a machine that is busy with something else no try helps, and the whole has to end some time. */
let triesLeft = process.env.BENCH_QUICK === '1' ? 0 : 15

async function withRoom(measure) {
  const first = await measure()
  if (hadRoom(first) || triesLeft === 0) return { ...first, hadRoom: hadRoom(first) }
  triesLeft--
  const second = await measure()
  return { ...second, hadRoom: hadRoom(second) }
}

export const closedLoop = (options) => withRoom(() => closedOnce(options))

/**
 * `rate` requests per second in total, in turns to `urls`, each counted from the moment when it was due.
 *
 * @param isOnce for load that must not come a second time, whatever the generator had to spare
 */
export function openLoop({ urls, isOnce = false, ...options }) {
  const targets = urls.map((url) => {
    const { hostname: host, port, pathname: path } = new URL(url)
    return { host, port: Number(port), path }
  })
  const measure = () => generated({ targets, connections: 100, ...options })
  return isOnce ? measure() : withRoom(measure)
}
