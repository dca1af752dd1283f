/**
 * Requests that never leave the process: `fetch`, fifty at once, into MSW's `setupServer` and into a mesh in process, and to
 * bare servers in the same process as the floor. One service, and fifty.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { http, HttpResponse } from 'msw'
import { setupServer } from 'msw/node'
import { defineMesh, startMesh } from '../dist/esm/src/index.js'
import { interleaved, perCallAtOnce, report } from './measure.mjs'

const rounds = Number(process.env.BENCH_ROUNDS ?? 7)
const calls = 600
const atOnce = 50
const body = '{"ok":true}'
const json = { ok: true }

const namesOf = (count) => Array.from({ length: count }, (_, i) => `s${i}`)
const origin = (name) => `http://${name}.bench.test`

async function read(url) {
  const text = await (await fetch(url)).text()
  if (text !== body) throw new Error(`${url} answered ${text.slice(0, 200)}`)
}

const driven = async (urls) => {
  const call = (nth) => read(urls[nth % urls.length])
  await perCallAtOnce(call, calls / 4, atOnce)
  return perCallAtOnce(call, calls, atOnce)
}

const inMesh = (count, isScripted) => async () => {
  const names = namesOf(count)
  const handlers = isScripted ? [] : [http.get('/work', () => HttpResponse.json(json))]
  const definition = defineMesh({
    name: 'bench',
    services: {
      app: { underTest: true, calls: Object.fromEntries(names.map((name) => [name, {}])) },
      ...Object.fromEntries(names.map((name) => [name, { url: origin(name), handlers }])),
    },
  })
  const mesh = await startMesh(definition, { listen: false })
  if (isScripted) for (const name of names) mesh.service(name).reply('GET /work', { json })
  const time = await driven(names.map((name) => `${origin(name)}/work`))
  await mesh.stop()
  return time
}

const inMsw = (count) => {
  const urls = namesOf(count).map((name) => `${origin(name)}/work`)
  const server = setupServer(...urls.map((url) => http.get(url, () => HttpResponse.json(json))))
  return async () => {
    server.listen({ onUnhandledRequest: 'error' })
    const time = await driven(urls)
    server.close()
    return time
  }
}

const toBare = (count) => async () => {
  const headers = { 'content-type': 'application/json', 'content-length': body.length }
  const servers = await Promise.all(
    namesOf(count).map(async () => {
      const server = createServer((_, response) => response.writeHead(200, headers).end(body)).listen(0, '127.0.0.1')
      await once(server, 'listening')
      return server
    }),
  )
  const time = await driven(servers.map((server) => `http://127.0.0.1:${server.address().port}/work`))
  for (const server of servers) {
    server.closeAllConnections()
    server.close()
  }
  return time
}

const ways = {
  'bare node:http servers': toBare,
  'mesh, scripted reply': (count) => inMesh(count, true),
  'mesh, MSW handler': (count) => inMesh(count, false),
  'MSW setupServer': inMsw,
}
const counts = [1, 50]
const nameOf = (way, count) => `${way} / ${count}`
const candidates = counts.flatMap((count) =>
  Object.entries(ways).map(([way, make]) => ({ name: nameOf(way, count), sample: make(count) })),
)
const { ms, ratio } = await interleaved(candidates, rounds)
report(
  Object.keys(ways).map((way) => ({
    way,
    us: counts.map((count) => ms(nameOf(way, count)) * 1_000),
    toMsw: counts.map((count) => ratio(nameOf(way, count), nameOf('MSW setupServer', count))),
  })),
)
process.exit(0)
