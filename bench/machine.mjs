/**
 * Servers and load generators as processes of their own: pinned to a processor each where that is possible, watched through
 * /proc where there is one, and gone when this process goes.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { join } from 'node:path'

const has = (command, ...args) => spawnSync(command, args, { stdio: 'ignore' }).error === undefined

const processors = availableParallelism()
export const isPinned = process.platform === 'linux' && processors > 1 && has('taskset', '--version')
export const hasWrk = process.platform !== 'win32' && has('wrk', '--version')
const pins = { server: '0', generator: '1' }

/** Command and arguments, with the processor that this role has to itself in front. */
export const pinned = (role, command, args) =>
  isPinned ? ['taskset', ['-c', pins[role], command, ...args]] : [command, args]

/** What the page says about the machine: nothing that names it. */
export function aboutMachine() {
  const java = spawnSync('java', ['-version'], { encoding: 'utf8' })
  return {
    processors,
    gigabytes: Math.round(totalmem() / 2 ** 30),
    node: process.versions.node,
    java: java.error ? undefined : /version "([^"]+)"/.exec(java.stderr + java.stdout)?.[1],
    isPinned,
    generator: hasWrk ? 'wrk' : 'our own generator',
  }
}

const children = new Set()
const endAll = () => children.forEach((child) => child.kill('SIGKILL'))
process.once('exit', endAll)
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => {
    endAll()
    process.exit(130)
  })
// The process that started this one has been ended: nobody would read what comes of it.
process.once('disconnect', () => process.exit(1))

/** A child that does not outlive this process. `role` decides the processor. What servers print, nobody reads. */
export function start(role, command, args, options = {}) {
  const child = spawn(...pinned(role, command, args), { stdio: 'ignore', ...options })
  children.add(child)
  child.once('exit', () => children.delete(child))
  child.once('error', () => children.delete(child))
  return child
}

export async function end(child, signal = 'SIGKILL') {
  if (child.exitCode !== null || child.signalCode !== null) return
  // One that is halted takes no other signal.
  child.kill('SIGCONT')
  child.kill(signal)
  const limit = setTimeout(() => child.kill('SIGKILL'), 5_000)
  await once(child, 'exit')
  clearTimeout(limit)
}

/** A halted server cannot be in the way of the one that is measured. */
export const halt = (instance) => signal(instance, 'SIGSTOP')
export const resume = (instance) => signal(instance, 'SIGCONT')

function signal({ child }, name) {
  // One that has ended is found out by whoever asks it next.
  if (process.platform !== 'win32' && child.exitCode === null && child.signalCode === null) child.kill(name)
}

const read = (file) => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

/** Megabytes that a process has in memory, NaN where that cannot be read. */
export const rssMB = (pid) => Number(/VmRSS:\s+(\d+)/.exec(read(`/proc/${pid}/status`) ?? '')?.[1] ?? NaN) / 1024

/** Sockets that a process holds, those that listen included; undefined where nobody tells. */
export function socketCount(pid) {
  const folder = `/proc/${pid}/fd`
  try {
    return readdirSync(folder).filter((name) => linkOf(join(folder, name)).startsWith('socket:')).length
  } catch {
    return undefined
  }
}

const linkOf = (file) => {
  try {
    return readlinkSync(file)
  } catch {
    // Closed since the folder was read.
    return ''
  }
}

const ticksPerSecond = 100

/** CPU seconds that a process has taken so far. */
export function cpuSeconds(pid) {
  const fields = read(`/proc/${pid}/stat`)
    ?.replace(/^.*\) /, '')
    .split(' ')
  return fields ? (Number(fields[11]) + Number(fields[12])) / ticksPerSecond : NaN
}

/** Processors that were busy from now on, in seconds, whoever kept them so. */
export function busySeconds() {
  const sum = () =>
    cpus().reduce((total, { times }) => total + times.user + times.nice + times.sys + times.irq, 0) / 1_000
  const before = sum()
  return () => sum() - before
}

/** Below those that the system gives to connections, which come and go by the thousand here. */
const [firstPort, lastPort] = [12_000, 31_000]
let nextPort = firstPort + Math.floor(Math.random() * (lastPort - firstPort))

/** Ports that were free a moment ago. */
export async function freePorts(count) {
  const ports = []
  while (ports.length < count) {
    nextPort = nextPort < lastPort ? nextPort + 1 : firstPort
    if (await isFree(nextPort)) ports.push(nextPort)
  }
  return ports
}

async function isFree(port) {
  const server = createServer()
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return true
  } catch {
    return false
  } finally {
    server.close()
  }
}
