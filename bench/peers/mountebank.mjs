import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { end, freePorts, start } from '../machine.mjs'
import { tell } from './http.mjs'
import { installed } from './install.mjs'
import { patternOf } from './world.mjs'

const version = '2.9.1'
const headers = { 'Content-Type': 'application/json' }

const stubOf = ({ path, body, delayMs, echo }) => {
  const is = { statusCode: 200, headers }
  if (echo)
    return {
      predicates: [{ equals: { method: 'GET' } }, { matches: { path: `^${patternOf(path)}$` } }],
      responses: [
        {
          is: { ...is, body: '{"id":"${id}"}' },
          behaviors: [{ copy: { from: 'path', into: '${id}', using: { method: 'regex', selector: '[^/]+$' } } }],
        },
      ],
    }
  return {
    predicates: [{ equals: { method: 'GET', path } }],
    responses: [
      {
        // Without a length it sends chunks.
        is: { ...is, headers: { ...headers, 'Content-Length': body.length }, body },
        ...(delayMs && { behaviors: [{ wait: delayMs }] }),
      },
    ],
  }
}

const impostersOf = ({ services }, ports) => ({
  imposters: services.map(({ name, stubs }, i) => ({
    port: ports[i],
    protocol: 'http',
    host: '127.0.0.1',
    name,
    recordRequests: true,
    // What no stub takes; its default is an empty 200.
    defaultResponse: { statusCode: 404 },
    stubs: stubs.map(stubOf),
  })),
})

const addresses = ({ services }, ports) => services.map((_, i) => `http://127.0.0.1:${ports[i]}`)

export const mountebank = {
  id: 'mountebank',
  name: `Mountebank ${version}`,
  async prepare() {
    mountebank.program = join(await installed('mountebank', version), 'bin', 'mb')
  },
  async start(world) {
    const folder = mkdtempSync(join(tmpdir(), 'bench-mountebank-'))
    const [port, ...ports] = await freePorts(51)
    writeFileSync(join(folder, 'imposters.json'), JSON.stringify(impostersOf(world, ports)))
    const child = start(
      'server',
      process.execPath,
      [
        ...[mountebank.program, 'start', '--port', port, '--host', '127.0.0.1', '--localOnly'],
        ...['--nologfile', '--loglevel', 'error', '--pidfile', join(folder, 'mb.pid')],
        ...['--configfile', join(folder, 'imposters.json')],
      ],
      { cwd: folder },
    )
    const instance = {
      child,
      pid: child.pid,
      urls: addresses(world, ports),
      async load(next) {
        await tell(`http://127.0.0.1:${port}/imposters`, 'PUT', impostersOf(next, ports))
        instance.urls = addresses(next, ports)
      },
      async stop() {
        await end(child)
        rmSync(folder, { recursive: true, force: true })
      },
    }
    return instance
  },
}
