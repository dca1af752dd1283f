import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { end, freePorts, start } from '../machine.mjs'
import { tell } from './http.mjs'
import { installed } from './install.mjs'
import { expectJava, javaFlags } from './java.mjs'
import { allStubs } from './world.mjs'

const version = '8.0.0'
const headers = { 'content-type': ['application/json'] }

const expectationOf = ({ path, body, delayMs, echo }) =>
  echo
    ? {
        httpRequest: { method: 'GET', path: path.replace(/:(\w+)/g, '{$1}'), pathParameters: { id: ['.*'] } },
        httpResponseTemplate: {
          templateType: 'MUSTACHE',
          template: `{ 'statusCode': 200, 'headers': { 'content-type': ['application/json'] }, 'body': '{"id":"{{ request.pathParameters.id.0 }}"}' }`,
        },
      }
    : {
        httpRequest: { method: 'GET', path },
        httpResponse: {
          statusCode: 200,
          headers,
          body,
          ...(delayMs && { delay: { timeUnit: 'MILLISECONDS', value: delayMs } }),
        },
      }

const expectationsOf = (world) => allStubs(world).map(expectationOf)

export const mockserver = {
  id: 'mockserver',
  name: `MockServer ${version}`,
  isJava: true,
  note: 'a port for each service, one set of expectations, paths tell the services apart',
  async prepare() {
    expectJava()
    const home = await installed('mockserver-node', version)
    mockserver.jar = join(home, `mockserver-netty-${version}-jar-with-dependencies.jar`)
  },
  async start(world, { mostServices = world.services.length } = {}) {
    const folder = mkdtempSync(join(tmpdir(), 'bench-mockserver-'))
    const file = join(folder, 'expectations.json')
    writeFileSync(file, JSON.stringify(expectationsOf(world)))
    const ports = await freePorts(mostServices)
    const addresses = ({ services }) => services.map((_, i) => `http://127.0.0.1:${ports[i]}`)
    const settings = {
      localBoundIP: '127.0.0.1',
      logLevel: 'WARN',
      disableSystemOut: true,
      dashboardAnalyticsEnabled: false,
      initializationJsonPath: file,
    }
    const child = start(
      'server',
      'java',
      [
        ...javaFlags,
        ...Object.entries(settings).map(([name, value]) => `-Dmockserver.${name}=${value}`),
        ...['-jar', mockserver.jar, 'run', '-p', ports.join(',')],
      ],
      { cwd: folder },
    )
    const instance = {
      child,
      pid: child.pid,
      urls: addresses(world),
      async load(next) {
        const admin = `http://127.0.0.1:${ports[0]}/mockserver`
        await tell(`${admin}/reset`, 'PUT')
        await tell(`${admin}/expectation`, 'PUT', expectationsOf(next))
        instance.urls = addresses(next)
      },
      async stop() {
        await end(child)
        rmSync(folder, { recursive: true, force: true })
      },
    }
    return instance
  },
}
