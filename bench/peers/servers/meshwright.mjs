/** A mesh on listeners, through the front door: what stands still is scripted with `reply`, what is computed is a handler. */
import { defineMesh, http, HttpResponse, startMesh } from '../../../dist/esm/src/index.js'
import { serve } from './serve.mjs'

const echo = ({ path }) => http.get(path, ({ params }) => HttpResponse.json({ id: params.id }))
const other = http.post('/other', () => HttpResponse.json({ ok: true }))

let mesh

async function load({ services, chaos, isMissed }) {
  await mesh?.stop()
  const names = services.map(({ name }) => name)
  const definition = defineMesh({
    name: 'bench',
    services: {
      app: { underTest: true, calls: Object.fromEntries(names.map((name) => [name, {}])) },
      ...Object.fromEntries(
        // Without any handler a service answers what nothing was scripted for.
        services.map(({ name, stubs }) => [
          name,
          { handlers: [...stubs.filter((stub) => stub.echo).map(echo), ...(isMissed ? [other] : [])] },
        ]),
      ),
    },
  })
  mesh = await startMesh(definition, { transport: 'listeners' })
  for (const { name, stubs } of services)
    for (const { path, body, delayMs } of stubs.filter((stub) => !stub.echo))
      mesh.service(name).reply(`GET ${path}`, { json: JSON.parse(body), ...(delayMs && { delayMs }) })
  if (chaos) for (const name of names) mesh.chaos.abort(name, chaos)
  return names.map((name) => mesh.url(name))
}

const counted = (list) => {
  const counts = {}
  for (const one of list) counts[one] = (counts[one] ?? 0) + 1
  return counts
}

/** For the soak: what the faults say of themselves, and what this process holds open. */
async function report({ stop }) {
  const hits = mesh.chaos.faults.reduce((sum, fault) => sum + fault.hits, 0)
  const problems = mesh.problems.map(({ message }) => message)
  const openCalls = mesh.openCalls().length
  if (stop) {
    await mesh.stop()
    // A closed handle is gone with the next turns of the event loop.
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return {
    hits,
    problems: problems.length,
    problem: problems[0],
    openCalls,
    usedBytes: heapUsed + external,
    handles: counted(process.getActiveResourcesInfo()),
  }
}

serve({ load, report })
