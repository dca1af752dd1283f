/** What tracing adds to a request: a CLIENT and a SERVER span, with their journal entries. */
import { createJournal } from '../dist/esm/src/journal/journal.js'
import { defineMesh, startMesh } from '../dist/esm/src/index.js'
import { answered } from '../dist/esm/src/call/reply.js'
import { createRandom } from '../dist/esm/src/random/random.js'
import { createRealClock } from '../dist/esm/src/time/real-clock.js'
import { createTracing } from '../dist/esm/src/tracing/tracer.js'
import { interleaved, perCall, report } from './measure.mjs'

const rounds = Number(process.env.BENCH_ROUNDS ?? 15)
const { signal } = new AbortController()
const reply = answered(200, { json: { ok: true } })

const callOf = (nth) => ({
  id: String(nth + 1),
  caller: 'app',
  callee: 'api',
  edge: 'app->api',
  mode: 'sync',
  origin: 'driver',
  method: 'GET',
  path: '/items/7',
  url: 'http://api/items/7',
  headers: [],
  body: null,
  attempt: 0,
  nth,
  hops: ['app', 'api'],
  signal,
})

function spans() {
  const clock = createRealClock()
  const startMs = clock.now()
  const { record, jot } = createJournal(() => clock.now() - startMs)
  const tracing = createTracing({ services: ['app', 'api'], random: createRandom(1), clock, record, jot, startMs })
  return perCall((nth) => {
    const client = tracing.clientSpan(callOf(nth))
    const server = tracing.serverSpan(client.call, 'api-1')
    server.setRoute('GET /items/:id')
    server.end(reply)
    client.end(reply)
  })
}

const definition = defineMesh({ name: 'bench', services: { app: { underTest: true, calls: { api: {} } }, api: {} } })
async function calls() {
  const mesh = await startMesh(definition, { listen: false })
  const time = await perCall(async () => (await mesh.call('app', 'api', '/items/7')).arrayBuffer())
  await mesh.stop()
  return time
}

const { ms, ratio } = await interleaved(
  [
    { name: 'spans', sample: spans },
    { name: 'call', sample: calls },
  ],
  rounds,
)
report({ spansMs: ms('spans'), callMs: ms('call'), share: ratio('spans', 'call') })
