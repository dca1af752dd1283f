/** What it costs to bring a mesh up and take it down: what each test pays. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { defineMesh, startMesh } from '../dist/esm/src/index.js'
import { cpuTime, interleaved, report } from './measure.mjs'

const rounds = Number(process.env.BENCH_ROUNDS ?? 15)
const repeats = 10

const definitionOf = (count) => {
  const names = Array.from({ length: count }, (_, i) => `s${i}`)
  const calls = Object.fromEntries(names.map((name) => [name, {}]))
  const services = Object.fromEntries(names.map((name) => [name, {}]))
  return defineMesh({ name: 'bench', services: { app: { underTest: true, calls }, ...services } })
}

const timed = (work) => async () => {
  const spent = cpuTime()
  for (let i = 0; i < repeats; i++) await work()
  return spent() / repeats
}

const meshOf = (count, options) => {
  const definition = definitionOf(count)
  return timed(async () => {
    const mesh = await startMesh(definition, options)
    await mesh.stop()
  })
}

async function server() {
  const one = createServer().listen(0, '127.0.0.1')
  await once(one, 'listening')
  await new Promise((resolve) => one.close(resolve))
}

const base = 'one http.createServer, listen and close'
const candidates = [
  { name: base, sample: timed(server) },
  {
    name: 'fifty http.createServer at once, listen and close',
    sample: timed(() => Promise.all(Array.from({ length: 50 }, server))),
  },
  { name: 'mesh of 1 service, in process', sample: meshOf(1, { listen: false }) },
  { name: 'mesh of 50 services, in process', sample: meshOf(50, { listen: false }) },
  { name: 'mesh of 1 service, on a listener', sample: meshOf(1, { transport: 'listeners' }) },
  { name: 'mesh of 50 services, on 50 listeners', sample: meshOf(50, { transport: 'listeners' }) },
]
const { ms, ratio } = await interleaved(candidates, rounds)
report(candidates.map(({ name }) => ({ name, ms: ms(name), ratio: ratio(name, base) })))
