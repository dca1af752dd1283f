/** What one call costs when there are more handlers, or more services: the mesh by index, plain MSW one after the other. */
import { getResponse, http, HttpResponse } from 'msw'
import { setupServer } from 'msw/node'
import { defineMesh, startMesh } from '../dist/esm/src/index.js'
import { interleaved, perCall, report } from './measure.mjs'

const handlerCounts = [1, 10, 100, 1_000]
const serviceCounts = [1, 10, 50]
const rounds = Number(process.env.BENCH_ROUNDS ?? 7)

const answer = () => HttpResponse.json({ ok: true })
const read = async (response) => {
  const { status } = response
  if (status !== 200) throw new Error(`status ${status}`)
  await response.arrayBuffer()
}

/** As many handlers on one service; the last one is hit. */
const onOneService = (count) => {
  const paths = Array.from({ length: count }, (_, i) => `/resources/r${i}/items/:id`)
  const url = `http://s0.bench.test/resources/r${count - 1}/items/7`
  return {
    url,
    service: 's0',
    handlers: paths.map((path) => http.get(`http://s0.bench.test${path}`, answer)),
    services: { s0: { url: 'http://s0.bench.test', handlers: paths.map((path) => http.get(path, answer)) } },
  }
}

/** As many services with ten handlers each; the last handler of the last service is hit. */
const onManyServices = (count) => {
  const names = Array.from({ length: count }, (_, i) => `s${i}`)
  const paths = Array.from({ length: 10 }, (_, i) => `/resources/r${i}/items/:id`)
  const origin = (name) => `http://${name}.bench.test`
  return {
    url: `${origin(names.at(-1))}/resources/r9/items/7`,
    service: names.at(-1),
    handlers: names.flatMap((name) => paths.map((path) => http.get(origin(name) + path, answer))),
    services: Object.fromEntries(
      names.map((name) => [name, { url: origin(name), handlers: paths.map((path) => http.get(path, answer)) }]),
    ),
  }
}

const definitionOf = ({ services }) => {
  const calls = Object.fromEntries(Object.keys(services).map((name) => [name, {}]))
  return defineMesh({ name: 'bench', services: { app: { underTest: true, calls }, ...services } })
}

// Each sample brings up what it measures and takes it down again, so that nothing of one is in the way of another.
const ways = {
  'mesh.call': (world) => {
    const definition = definitionOf(world)
    const { pathname } = new URL(world.url)
    return async () => {
      const mesh = await startMesh(definition, { listen: false })
      const time = await perCall(async () => read(await mesh.call('app', world.service, pathname)))
      await mesh.stop()
      return time
    }
  },
  'mesh, fetch': (world) => {
    const definition = definitionOf(world)
    return async () => {
      const mesh = await startMesh(definition, { listen: false })
      const time = await perCall(async () => read(await fetch(world.url)))
      await mesh.stop()
      return time
    }
  },
  'MSW getResponse':
    ({ handlers, url }) =>
    () =>
      perCall(async () => read(await getResponse(handlers, new Request(url)))),
  'MSW setupServer, fetch': ({ handlers, url }) => {
    const server = setupServer(...handlers)
    return async () => {
      server.listen({ onUnhandledRequest: 'error' })
      const time = await perCall(async () => read(await fetch(url)))
      server.close()
      return time
    }
  },
}

const worlds = [
  ...handlerCounts.map((count) => ({ axis: 'handlers', count, ...onOneService(count) })),
  ...serviceCounts.map((count) => ({ axis: 'services', count, ...onManyServices(count) })),
]
const nameOf = (way, axis, count) => `${way} / ${axis} ${count}`
const candidates = worlds.flatMap((world) =>
  Object.entries(ways).map(([way, make]) => ({ name: nameOf(way, world.axis, world.count), sample: make(world) })),
)
const { ms, ratio } = await interleaved(candidates, rounds)

const curves = (axis, counts) =>
  Object.keys(ways).map((way) => ({
    way,
    points: counts.map((count) => ({ count, us: ms(nameOf(way, axis, count)) * 1000 })),
    growth: ratio(nameOf(way, axis, counts.at(-1)), nameOf(way, axis, counts[0])),
    toPlainMsw: counts.map((count) => ratio(nameOf(way, axis, count), nameOf('MSW setupServer, fetch', axis, count))),
  }))
report({ handlers: curves('handlers', handlerCounts), services: curves('services', serviceCounts) })
process.exit(0)
