/** Calls per second of one processor to fifty services, fifty at once, all with the same client in the same process as the servers. */
import { once } from 'node:events'
import { Agent, createServer, request } from 'node:http'
import { http, HttpResponse } from 'msw'
import { defineMesh, startMesh } from '../dist/esm/src/index.js'
import { interleaved, perCallAtOnce, report } from './measure.mjs'

const rounds = Number(process.env.BENCH_ROUNDS ?? 9)
const calls = 1_000
const atOnce = 50
const names = Array.from({ length: 50 }, (_, i) => `s${i}`)
const body = JSON.stringify({ ok: true })

const definition = defineMesh({
  name: 'bench',
  services: {
    app: { underTest: true, calls: Object.fromEntries(names.map((name) => [name, {}])) },
    ...Object.fromEntries(
      names.map((name) => [
        name,
        { instances: 3, handlers: [http.get('/work', () => HttpResponse.json({ ok: true }))] },
      ]),
    ),
  },
})

/** One request with Node's own client, its body read to the end and checked. */
function ask(url, agent) {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk) => (text += chunk))
      response.on('error', reject)
      response.on('end', () => (text === body ? resolve() : reject(new Error(`${response.statusCode} ${text}`))))
    })
    sent.on('error', reject)
    sent.end()
  })
}

async function driven(urls) {
  const agent = new Agent({ keepAlive: true })
  const call = (nth) => ask(urls[nth % urls.length], agent)
  await perCallAtOnce(call, calls / 4, atOnce)
  const time = await perCallAtOnce(call, calls, atOnce)
  agent.destroy()
  return time
}

async function overMesh(options, urlsOf) {
  const mesh = await startMesh(definition, options)
  const time = await driven(urlsOf(mesh))
  if (mesh.problems.length > 0) throw mesh.problems[0]
  await mesh.stop()
  return time
}

async function overBareServers() {
  const servers = await Promise.all(
    names.map(async () => {
      const server = createServer((_, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body)
      }).listen(0, '127.0.0.1')
      await once(server, 'listening')
      return server
    }),
  )
  const time = await driven(servers.map((server) => `http://127.0.0.1:${server.address().port}/work`))
  await Promise.all(
    servers.map((server) => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    }),
  )
  return time
}

const base = 'bare node:http servers'
const candidates = [
  { name: base, sample: overBareServers },
  {
    name: 'mesh on listeners',
    sample: () => overMesh({ transport: 'listeners' }, (mesh) => names.map((name) => `${mesh.url(name)}/work`)),
  },
  {
    name: 'mesh in process',
    sample: () => overMesh({ listen: false }, () => names.map((name) => `http://${name}/work`)),
  },
]
const { ms, ratio } = await interleaved(candidates, rounds)
report(candidates.map(({ name }) => ({ name, perSecond: 1000 / ms(name), ratio: ratio(name, base) })))
