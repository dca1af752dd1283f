import { expect, test } from 'vitest'
import { defineMesh } from '../../src/index.ts'
import type { Mesh, ServiceOptions } from '../../src/index.ts'
import { meshes } from '../support/meshes.ts'
import { tcpHandles } from '../support/tcp-handles.ts'

const start = meshes()

const layers = 5
const perLayer = 10
const instances = 3
const calls = 1_000
const atOnce = 50

const nameOf = (layer: number, column: number) => `s${layer}${column % perLayer}`
const names = Array.from({ length: layers * perLayer }, (_, i) => nameOf(Math.floor(i / perLayer), i))

/** A service calls the one below it, every second one also the one beside that; the last layer calls nobody. */
const below = new Map(
  names.map((name, i) => {
    const layer = Math.floor(i / perLayer) + 1
    if (layer === layers) return [name, []]
    return [name, i % 2 === 0 ? [nameOf(layer, i), nameOf(layer, i + 1)] : [nameOf(layer, i)]]
  }),
)
const callsTo = (callees: readonly string[]) => Object.fromEntries(callees.map((callee) => [callee, {}]))

const services: Record<string, ServiceOptions> = { driver: { underTest: true, calls: callsTo(names) } }
for (const name of names) services[name] = { instances, calls: callsTo(below.get(name)!) }
const city = defineMesh({ name: 'city', services })

/** Each edge with the number of calls that travel it when every service is called equally often. */
function expectedCalls(): Map<string, number> {
  const expected = new Map<string, number>()
  const travel = (caller: string, callee: string, times: number) => {
    const edge = `${caller}->${callee}`
    expected.set(edge, (expected.get(edge) ?? 0) + times)
    for (const next of below.get(callee)!) travel(callee, next, times)
  }
  for (const name of names) travel('driver', name, calls / names.length)
  return expected
}

interface Answer {
  status: number
  service: string
}

/** Calls the services in turn, so many at once. */
async function driveAll(urlOf: (service: string) => string): Promise<Answer[]> {
  const answers: Answer[] = []
  let sent = 0
  const drive = async () => {
    while (sent < calls) {
      const response = await fetch(`${urlOf(names[sent++ % names.length]!)}/work`)
      const { service } = (await response.json()) as { service: string }
      answers.push({ status: response.status, service })
    }
  }
  await Promise.all(Array.from({ length: atOnce }, drive))
  return answers
}

const tally = (words: Iterable<string>) => {
  const counts = new Map<string, number>()
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
  return counts
}

function expectAllWell(mesh: Mesh, answers: readonly Answer[]): void {
  expect(mesh.problems).toEqual([])
  expect(tally(answers.map(({ status, service }) => `${service} ${status}`))).toEqual(
    new Map(names.map((name) => [`${name} 200`, calls / names.length])),
  )
  const ended = mesh.journal.where({ type: 'call.ended' })
  expect(tally(ended.map(({ edge }) => edge))).toEqual(expectedCalls())
  expect(tally(ended.map(({ outcome, status }) => `${outcome} ${status}`))).toEqual(
    new Map([['answered 200', ended.length]]),
  )
  expect(mesh.journal.where({ type: 'call.started' })).toHaveLength(ended.length)
  const used = new Set(mesh.journal.where({ type: 'request.received' }).map(({ instance }) => instance))
  expect(used.size).toBe(names.length * instances)
}

/** What this process has open, timers of the test runner left out. */
const resources = () => [
  ...process
    .getActiveResourcesInfo()
    .filter((kind) => kind !== 'Timeout' && kind !== 'Immediate' && !kind.startsWith('TCP'))
    .toSorted(),
  ...Array<string>(tcpHandles()).fill('TCP'),
]

/** The other ends of closed sockets learn of it within some turns of the event loop. */
async function expectResources(before: readonly string[]): Promise<void> {
  for (let turns = 0; turns < 1_000 && resources().length > before.length; turns++)
    await new Promise((resolve) => setImmediate(resolve))
  expect(resources()).toEqual(before)
}

test('fifty services of three instances answer a thousand calls of this process', async () => {
  const before = resources()
  const mesh = await start(city, { listen: false })
  const answers = await driveAll((service) => `http://${service}`)
  expectAllWell(mesh, answers)
  await mesh.stop()
  await expectResources(before)
})

test('fifty services of three instances answer a thousand calls over real sockets', async () => {
  const before = resources()
  const mesh = await start(city, { transport: 'listeners' })
  const env = mesh.env('driver')
  const urls = new Map(names.map((name) => [name, mesh.url(name)]))
  expect(new Set(urls.values()).size).toBe(names.length)
  expect(names.map((name) => env[`${name.toUpperCase()}_URL`])).toEqual([...urls.values()])
  const answers = await driveAll((service) => urls.get(service)!)
  expectAllWell(mesh, answers)
  await mesh.stop()
  await expectResources(before)
})
