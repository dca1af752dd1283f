import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { end, freePorts, start } from '../machine.mjs'
import { untilAnswered } from './http.mjs'
import { installed } from './install.mjs'

const version = '9.9.0'

const routeOf = ({ path, body, delayMs = 0, echo }) => ({
  uuid: randomUUID(),
  type: 'http',
  documentation: '',
  method: 'get',
  endpoint: path.slice(1),
  responseMode: null,
  streamingMode: null,
  streamingInterval: 0,
  responses: [
    {
      uuid: randomUUID(),
      body: echo ? `{"id":"{{urlParam 'id'}}"}` : body,
      latency: delayMs,
      statusCode: 200,
      label: '',
      headers: [{ key: 'Content-Type', value: 'application/json' }],
      bodyType: 'INLINE',
      filePath: '',
      databucketID: '',
      sendFileAsBody: false,
      rules: [],
      rulesOperator: 'OR',
      disableTemplating: !echo,
      fallbackTo404: false,
      default: true,
      crudKey: 'id',
      callbacks: [],
    },
  ],
})

function environmentOf({ name, stubs }, port) {
  const routes = stubs.map(routeOf)
  return {
    uuid: randomUUID(),
    lastMigration: 33,
    name,
    port,
    hostname: '127.0.0.1',
    endpointPrefix: '',
    latency: 0,
    folders: [],
    routes,
    rootChildren: routes.map(({ uuid }) => ({ type: 'route', uuid })),
    proxyMode: false,
    proxyHost: '',
    proxyRemovePrefix: false,
    tlsOptions: { enabled: false, type: 'CERT', pfxPath: '', certPath: '', keyPath: '', caPath: '', passphrase: '' },
    cors: false,
    headers: [],
    proxyReqHeaders: [],
    proxyResHeaders: [],
    data: [],
    callbacks: [],
  }
}

export const mockoon = {
  id: 'mockoon',
  name: `Mockoon ${version}`,
  note: 'a new process for other stubs: it takes none while it runs; it keeps the last hundred requests',
  /** Nothing grows that would have to be forgotten between two measurements. */
  keepsLittle: true,
  async prepare() {
    mockoon.program = join(await installed('@mockoon/cli', version), 'bin', 'run.js')
  },
  async start(world) {
    const folder = mkdtempSync(join(tmpdir(), 'bench-mockoon-'))
    const instance = {
      urls: [],
      async launch({ services }) {
        const ports = await freePorts(services.length)
        const files = services.map((service, i) => {
          const file = join(folder, `${service.name}.json`)
          writeFileSync(file, JSON.stringify(environmentOf(service, ports[i])))
          return file
        })
        const args = ['start', ...files.flatMap((file) => ['-d', file]), '-l', '127.0.0.1', '-X', '-r']
        instance.child = start('server', process.execPath, [mockoon.program, ...args, '--disable-admin-api'], {
          cwd: folder,
        })
        instance.pid = instance.child.pid
        instance.urls = ports.map((port) => `http://127.0.0.1:${port}`)
      },
      async load(next) {
        await end(instance.child)
        await instance.launch(next)
        await untilAnswered(`${instance.urls.at(-1)}/not-there`, instance.child, { status: 404 })
      },
      async stop() {
        await end(instance.child)
        rmSync(folder, { recursive: true, force: true })
      },
    }
    await instance.launch(world)
    return instance
  },
}
