import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { end, freePorts, start } from '../machine.mjs'
import { tell } from './http.mjs'
import { installed } from './install.mjs'
import { expectJava, javaFlags } from './java.mjs'
import { allStubs, patternOf } from './world.mjs'

const version = '3.13.2'
const headers = { 'Content-Type': 'application/json' }

const mappingOf = ({ path, body, delayMs, echo }) =>
  echo
    ? {
        request: { method: 'GET', urlPathPattern: patternOf(path) },
        response: {
          status: 200,
          headers,
          body: '{"id":"{{request.pathSegments.[1]}}"}',
          transformers: ['response-template'],
        },
      }
    : {
        request: { method: 'GET', urlPath: path },
        response: { status: 200, headers, body, ...(delayMs && { fixedDelayMilliseconds: delayMs }) },
      }

const mappingsOf = (world) => ({ mappings: allStubs(world).map(mappingOf) })

async function startWireMock(jar, world, flags) {
  const folder = mkdtempSync(join(tmpdir(), 'bench-wiremock-'))
  mkdirSync(join(folder, 'mappings'))
  mkdirSync(join(folder, '__files'))
  writeFileSync(join(folder, 'mappings', 'stubs.json'), JSON.stringify(mappingsOf(world)))
  const [port] = await freePorts(1)
  // Its journal stays on, as it is by default. Its own log of requests is off: that would be a second one.
  const child = start('server', 'java', [
    ...javaFlags,
    '-jar',
    jar,
    ...['--port', port, '--bind-address', '127.0.0.1', '--root-dir', folder],
    ...['--disable-banner', '--disable-gzip', '--disable-request-logging', '--use-chunked-encoding', 'never'],
    ...['--container-threads', '64', '--jetty-accept-queue-size', '1024', ...flags],
  ])
  const url = `http://127.0.0.1:${port}`
  const addresses = ({ services }) => services.map(() => url)
  const instance = {
    child,
    pid: child.pid,
    urls: addresses(world),
    async load(next) {
      // What came from files would come back with a reset.
      rmSync(join(folder, 'mappings', 'stubs.json'), { force: true })
      await tell(`${url}/__admin/reset`, 'POST')
      await tell(`${url}/__admin/mappings/import`, 'POST', mappingsOf(next))
      instance.urls = addresses(next)
    },
    async stop() {
      await end(child)
      rmSync(folder, { recursive: true, force: true })
    },
  }
  return instance
}

const variant = (id, name, flags) => {
  const peer = {
    id,
    name,
    isJava: true,
    note: 'one instance, paths tell the services apart',
    prepare: async () => {
      expectJava()
      peer.jar = join(await installed('wiremock', version), 'build', `wiremock-standalone-${version}.jar`)
    },
    start: async (world) => startWireMock(peer.jar, world, flags),
  }
  return peer
}

export const wiremock = variant('wiremock', `WireMock ${version}`, [])

/** For delays only: by default each one keeps a thread waiting. */
export const wiremockAsync = variant('wiremock-async', `WireMock ${version}, asynchronous`, [
  ...['--async-response-enabled', 'true', '--async-response-threads', '64'],
])
