/**
 * Some minutes of load on fifty services, one request in a hundred aborted by a fault: whether every error is one that was
 * asked for, whether anything stays open, what memory does, and how much time a call takes more than at bare servers.
 */
import { openLoop } from './load.mjs'
import { aboutMachine, rssMB, socketCount } from './machine.mjs'
import { report } from './measure.mjs'
import { body, servicesWorld } from './peers/world.mjs'
import { startNodeServer } from './peers/node-server.mjs'

const minutes = Number(process.env.BENCH_MINUTES ?? (process.env.BENCH_QUICK === '1' ? 0.1 : 5))
const rate = Number(process.env.BENCH_RATE ?? 1_000)
const connections = 100
const percent = 1
const faultStatus = 503
const parts = 5
/** What a call of the second half may leave in memory: less than a journal takes that keeps everything there. */
const mostBytesPerCall = 256
/** So many calls fill what the journal keeps in memory before it goes on in a file; before that it may grow. */
const callsInMemory = 130_000

const world = servicesWorld(50)
const seconds = minutes * 60
const bareSeconds = Math.max(3, Math.min(20, seconds / 6))
const log = (text) => console.error(`  soak: ${text}`)

const loadOn = (server, options) =>
  openLoop({
    urls: server.urls.map((url, i) => url + world.services[i].stubs[0].path),
    connections,
    rate,
    body,
    warmSeconds: 0,
    drainSeconds: 10,
    isOnce: true,
    ...options,
  })

/** Least squares: what y grows for one x. */
function slope(points) {
  const mean = (pick) => points.reduce((sum, point) => sum + pick(point), 0) / points.length
  const x0 = mean(({ x }) => x)
  const y0 = mean(({ y }) => y)
  const over = points.reduce((sum, { x, y }) => sum + (x - x0) * (y - y0), 0)
  return over / points.reduce((sum, { x }) => sum + (x - x0) ** 2, 0)
}

async function onBare() {
  const bare = await startNodeServer('bare.mjs', world)
  await loadOn(bare, { seconds: 2 })
  const result = await loadOn(bare, { seconds: bareSeconds })
  await bare.stop()
  return result
}

log(`bare servers, ${bareSeconds} s`)
const before = await onBare()

log(`mesh, ${minutes} minutes at ${rate}/s`)
const mesh = await startNodeServer('meshwright.mjs', { ...world, chaos: { status: faultStatus, percent } }, [
  '--expose-gc',
])
/** What the server says of itself, and what the system says it holds. */
const stateOf = async (ask) => {
  const said = await mesh.report(ask)
  return { ...said, sockets: socketCount(mesh.pid) ?? said.handles.TCPSocketWrap ?? 0 }
}
// What is loaded late (a compiled function, a timer of the first connection) is no leak.
await loadOn(mesh, { seconds: 2, expected: [faultStatus] })
// The client's ends are gone; the server's go with the next turns of its event loop.
const letGo = () => new Promise((resolve) => setTimeout(resolve, 1_000))
await letGo()
const idle = await stateOf()
const memory = [{ x: 0, y: rssMB(mesh.pid) }]
const loadedAt = performance.now()
const sampling = setInterval(
  () => memory.push({ x: (performance.now() - loadedAt) / 1_000, y: rssMB(mesh.pid) }),
  Math.min(5_000, (seconds * 1_000) / 20),
)
const loading = loadOn(mesh, { seconds, expected: [faultStatus], slices: parts })
await new Promise((resolve) => setTimeout(resolve, seconds * 500))
// The collection that this asks for is one pause for a few hundred requests: too few for a p99 to notice.
const half = { ...(await stateOf()), at: performance.now() }
const load = await loading
clearInterval(sampling)
await letGo()
const after = await stateOf()
const stopped = await stateOf({ stop: true })
await mesh.stop()

log(`bare servers, ${bareSeconds} s`)
const again = await onBare()

const aborted = load.statuses[faultStatus] ?? 0
const hits = after.hits - idle.hits
const unanswered = load.wanted - load.answered
const others = load.bad - unanswered
// Of what keeps a process alive there is as much as before: no timer, no connection, no file more.
const sameHandles = (one, other) =>
  Object.entries(other.handles).every(([name, count]) => count <= (one.handles[name] ?? 0))
const secondHalf = memory.filter(({ x }) => x >= seconds / 2 && x <= seconds)
const megabytesPerSecond = secondHalf.length > 2 ? slope(secondHalf) : NaN
const callsSince = ((loadedAt + seconds * 1_000 - half.at) / 1_000) * rate
const bytesPerCall = Math.max(0, after.usedBytes - half.usedBytes) / callsSince
const isLongEnough = load.answered - callsSince >= callsInMemory
const middle = (pick) => (pick(before) + pick(again)) / 2
const added = (pick) => pick(load) - middle(pick)

const checks = [
  {
    what: 'each error is one that was injected',
    isMet: others === 0 && aborted === hits && after.problems === 0 && hits > 0,
    figures: `${aborted} answers with ${faultStatus}, ${hits} hits of the faults, ${others} other errors${others > 0 ? ` (${JSON.stringify(load.errors)})` : ''}, ${after.problems} problems${after.problem ? ` (${after.problem})` : ''}`,
  },
  {
    what: 'each request was answered',
    isMet: unanswered === 0 && after.openCalls === 0,
    figures: `${load.answered} of ${load.wanted}, ${after.openCalls} calls still open`,
  },
  {
    what: 'no socket is left',
    isMet: after.sockets <= idle.sockets && stopped.sockets <= idle.sockets - 50 && sameHandles(idle, after),
    figures: `${idle.sockets} sockets before, fifty of them listening; ${after.sockets} after; ${stopped.sockets} when the mesh has stopped`,
  },
  {
    what: 'memory is bounded',
    isMet: isLongEnough ? bytesPerCall < mostBytesPerCall : undefined,
    figures: `${Math.round(bytesPerCall)} bytes left by each call of the second half after a collection${isLongEnough ? '' : ', too early to tell'}; the process has ${Math.round(memory[0].y)} MB before and ${Math.round(Math.max(...memory.map(({ y }) => y)))} MB at most`,
  },
]

report({
  machine: aboutMachine(),
  minutes,
  rate,
  connections,
  percent,
  requests: load.wanted,
  perSecond: load.perSecond,
  checks,
  memory,
  megabytesPerSecond,
  mesh: load.latency,
  bare: { p50: middle(({ latency }) => latency.p50), p99: middle(({ latency }) => latency.p99) },
  added: { p50: added(({ latency }) => latency.p50), p99: added(({ latency }) => latency.p99) },
  p99s: load.slices.map(({ p99 }) => p99),
  latenessP99: load.latenessP99,
})
process.exit(0)
