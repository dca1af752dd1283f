import { edgeName } from './call/call.ts'
import { MeshError } from './errors.ts'
import { environmentOf } from './mesh/environment.ts'
import { describeValue, didYouMean } from './nearest.ts'
import { integer, refuseUnknown } from './topology/checks.ts'
import { MeshDefinition } from './topology/definition.ts'
import type { EdgeName, MeshShape, ServiceName } from './topology/names.ts'
import { openGateway, type OpenGateway } from './transport/gateway/gateway.ts'

export interface GatewayOptions<S extends MeshShape = MeshShape> {
  /** Ports of your choice, by edge: `{ 'orders->payments': 4101 }`. The others are free ones. */
  ports?: { readonly [edge in EdgeName<S>]?: number }
  /** The port of `url`. Default: a free one. */
  port?: number
  /** The token of `url`, at least 16 letters, digits, `-` and `_`. Default: a new one. With `port`, the `url` is known beforehand. */
  token?: string
}

/** The fixed addresses through which one system under test reaches the meshes of many workers. */
export interface Gateway<S extends MeshShape = MeshShape> extends AsyncDisposable {
  /**
   * Where meshes register; for the workers, as `MESHWRIGHT_GATEWAY` in their environment. It holds a token: whoever knows it may
   * take the traffic of the system under test.
   */
  readonly url: string
  /** What to spawn a service under test with: an address for each callee, under the names that `mesh.env` has. */
  env(service: ServiceName<S>): Record<string, string>
  /** Meshes that are registered now. */
  readonly meshes: number
  /** Connections that were led to a mesh so far; each carries one request. */
  readonly relayed: number
  /** Requests that were answered 421 so far, because no mesh could be told to be meant. */
  readonly unroutable: number
  /** Closes all addresses and connections. Idempotent. */
  close(): Promise<GatewaySummary>
}

export interface GatewaySummary {
  readonly relayed: number
  readonly unroutable: number
  /** Set when requests found no mesh: how many, and the first of them, to be printed. */
  readonly warning?: string
}

/**
 * Opens one address for each edge of the services under test, for the life of a test run. A system under test that was
 * started once, with `gateway.env(...)`, is then shared by all workers: each request goes to the mesh of the test that it
 * belongs to, told by `mesh.headers()`, which the test sends and the system forwards (W3C `baggage` or `traceparent`).
 *
 * @throws MeshError MESH_PORT_TAKEN when a port is in use, MESH_INVALID_OPTION for options out of range
 * @example
 * // global setup
 * const gateway = await startGateway(shop)
 * process.env.MESHWRIGHT_GATEWAY = gateway.url
 * const orders = spawn('node', ['orders.mjs'], { env: { ...process.env, ...gateway.env('orders') } })
 */
export async function startGateway<S extends MeshShape>(
  definition: MeshDefinition<S>,
  options: GatewayOptions<S> = {},
): Promise<Gateway<S>> {
  const edges = edgesUnderTest(definition)
  const { ports, port, token } = checked(options, edges)
  const { name } = definition
  const open = await openGateway({
    mesh: name,
    edges: edges.map(({ edge, isBytes }) => ({ edge, isBytes, port: ports[edge] ?? 0 })),
    port,
    token,
  })
  let closed: Promise<GatewaySummary> | undefined
  const gateway: Gateway<S> = {
    url: open.url,
    env(service) {
      const own = edges.filter(({ caller }) => caller === service)
      if (own.length === 0) throw noAddresses(service, edges)
      const addresses = own.map(({ edge, callee, isBytes }) => ({
        callee,
        url: `${isBytes ? 'tcp' : 'http'}://127.0.0.1:${open.ports.get(edge)!}`,
      }))
      return environmentOf({ service, addresses, proxy: undefined })
    },
    get meshes() {
      return open.meshes
    },
    get relayed() {
      return open.relayed
    },
    get unroutable() {
      return open.lost
    },
    close: () => (closed ??= open.close().then(() => summaryOf(name, open))),
    [Symbol.asyncDispose]: async () => void (await gateway.close()),
  }
  return gateway
}

interface Edge {
  readonly edge: string
  readonly caller: string
  readonly callee: string
  readonly isBytes: boolean
}

function edgesUnderTest(definition: unknown): Edge[] {
  if (!MeshDefinition.is(definition))
    throw new MeshError(
      'MESH_INVALID_DEFINITION',
      `startGateway: expected a definition, got ${describeValue(definition)}`,
      { fix: 'Make one with defineMesh({ name, services }).' },
    )
  const { name, services } = definition as MeshDefinition
  const edges = Object.entries(services).flatMap(([caller, { underTest, calls = {} }]) =>
    (underTest ? Object.keys(calls) : []).map((callee) => ({
      edge: edgeName(caller, callee),
      caller,
      callee,
      isBytes: services[callee]?.tcp === true,
    })),
  )
  if (edges.length > 0) return edges
  throw new MeshError(
    'MESH_INVALID_DEFINITION',
    `startGateway: no service of "${name}" is under test and calls another`,
    {
      fix: 'Write `underTest: true` for the service that runs for real, and the services that it `calls`.',
    },
  )
}

function checked(options: unknown, edges: readonly Edge[]) {
  const owner = 'startGateway'
  const invalid = (what: string, fix?: string) =>
    new MeshError('MESH_INVALID_OPTION', `${owner}: ${what}`, { ...(fix !== undefined && { fix }) })
  if (typeof options !== 'object' || options === null)
    throw invalid(`expected an object of options, got ${describeValue(options)}`)
  refuseUnknown(options, ['ports', 'port', 'token'], { owner, key: '' })
  const { ports = {}, port = 0, token } = options as GatewayOptions
  if (typeof ports !== 'object' || ports === null)
    throw invalid(`expected \`ports\` to be an object, got ${describeValue(ports)}`)
  const names = edges.map(({ edge }) => edge)
  const isPort = integer({ atLeast: 0, atMost: 65_535 })
  isPort(port, { owner, key: 'port' })
  for (const [edge, value] of Object.entries(ports)) {
    if (!names.includes(edge))
      throw invalid(
        `\`ports\` names ${JSON.stringify(edge)}, which is no edge of a service under test.${didYouMean(edge, names)}`,
      )
    isPort(value, { owner, key: `ports.${edge}` })
  }
  if (token !== undefined && !/^[\w-]{16,200}$/.test(token))
    throw invalid('expected `token` to be 16 to 200 letters, digits, "-" and "_"')
  return { ports: ports as Record<string, number | undefined>, port, token }
}

const noAddresses = (service: unknown, edges: readonly Edge[]) => {
  const callers = [...new Set(edges.map(({ caller }) => caller))]
  return new MeshError(
    'MESH_UNKNOWN_SERVICE',
    `gateway.env: no service ${JSON.stringify(service)} is under test and calls another`,
    {
      details: [`There are: ${callers.join(', ')}`],
    },
  )
}

function summaryOf(name: string, { relayed, lost, lostLines }: OpenGateway): GatewaySummary {
  if (lost === 0) return { relayed, unroutable: 0 }
  const more = lost - lostLines.length
  const lines = [
    `${lost} request${lost === 1 ? '' : 's'} found no mesh at the gateway of "${name}":`,
    ...lostLines.map((line) => `  ${line}`),
    ...(more > 0 ? [`  ... and ${more} more`] : []),
  ]
  return { relayed, unroutable: lost, warning: lines.join('\n') }
}
