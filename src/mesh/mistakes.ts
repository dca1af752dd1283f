import type { Call } from '../call/call.ts'
import { edgeName } from '../call/call.ts'
import { MeshError } from '../errors.ts'
import { describeValue, nearest } from '../nearest.ts'
import type { Topology } from '../topology/graph.ts'

/** The error for a call along an edge that is not declared. `isService` tells whether the caller is one of the mesh's. */
export function undeclaredCall(
  { caller, callee, method, path }: { caller: string; callee: string; method: string; path: string },
  { mesh, topology, isService }: { mesh: string; topology: Topology; isService: boolean },
): MeshError {
  const near = nearest(
    edgeName(caller, callee),
    topology.edges.map(({ name }) => name),
  )
  const own = topology.edges.filter((edge) => edge.caller === caller).map((edge) => edge.callee)
  return new MeshError(
    'MESH_UNDECLARED_CALL',
    `"${caller}" called "${callee}" (${method} ${path}), but the mesh "${mesh}" declares no such edge.`,
    {
      details: [
        own.length ? `"${caller}" may call: ${own.join(', ')}` : `"${caller}" declares no calls`,
        ...(near.length ? [`Nearest edges: ${near.join(', ')}`] : []),
      ],
      fix: isService
        ? `Declare it (services.${caller}.calls.${callee}: {}) or set undeclaredCalls: 'allow'.`
        : `Say which service the code under test speaks as: underTest: true, and calls: { ${callee}: {} }.`,
    },
  )
}

/** The error for a call that has travelled through more services than `hopLimit`, naming the cycle if it is in one. */
export function tooManyHops({ hops }: Pick<Call, 'hops'>, hopLimit: number): MeshError {
  const before = hops.lastIndexOf(hops.at(-1)!, -2)
  const way = hops.slice(Math.max(0, before)).join(' -> ')
  return new MeshError('MESH_HOP_LIMIT', `A call travelled ${hops.length - 1} hops, the limit is ${hopLimit}.`, {
    details: [before === -1 ? `Way: ${way}` : `Cycle: ${way}`],
    fix: 'Break the cycle in a handler, or raise hopLimit in the definition.',
  })
}

/** The error for a request that no handler of its service takes. `routes` are those that it has. */
export function unhandledRequest({ method, path, caller, callee }: Call, routes: readonly string[]): MeshError {
  const wanted = `${method} ${path.split('?', 1)[0]}`
  const near = nearest(wanted, routes)
  const shown = 12
  const rest = routes.length > shown ? `, ${routes.length - shown} more` : ''
  return new MeshError(
    'MESH_UNHANDLED_REQUEST',
    `No handler of service "${callee}" takes ${wanted} (called by ${caller}).`,
    {
      details: [
        ...(routes.includes(wanted)
          ? [`The handler of ${wanted} gave no answer: it returned nothing, or passthrough().`]
          : near.length
            ? [`Nearest: ${near.join(', ')}`]
            : []),
        `Handlers: ${routes.slice(0, shown).join(', ')}${rest}`,
      ],
      fix: `Add a handler, script a reply (mesh.service('${callee}').reply('${wanted}', 200)), or set unhandledRequests: 'passthrough'.`,
    },
  )
}

/** The error for a WebSocket that no handler of its service takes. `routes` are those that it has. */
export function unhandledSocket({ path, caller, callee }: Call, routes: readonly string[]): MeshError {
  const wanted = `WS ${path.split('?', 1)[0]}`
  const near = nearest(wanted, routes.map(withoutHost))
  return new MeshError(
    'MESH_UNHANDLED_REQUEST',
    `No handler of service "${callee}" takes the WebSocket ${wanted} (opened by ${caller}).`,
    {
      details: [
        ...(near.length ? [`Nearest: ${near.join(', ')}`] : []),
        routes.length ? `Handlers: ${routes.join(', ')}` : 'It has no handlers for WebSockets.',
      ],
      fix: `Add one (ws.link('*${path.split('?', 1)[0]}').addEventListener('connection', ...)), give the service an upstream, or set unhandledRequests: 'passthrough'.`,
    },
  )
}

/** `WS /room` of `WS wss://chat.shop.test/room`. */
const withoutHost = (route: string) => route.replace(/^WS \w+:\/\/[^/]+/, 'WS ')

/** The error for an HTTP request to a service that speaks bytes. */
export function spokeHttp({
  method,
  path,
  caller,
  callee,
}: Pick<Call, 'method' | 'path' | 'caller' | 'callee'>): MeshError {
  return new MeshError(
    'MESH_UNSUPPORTED',
    `"${caller}" sent an HTTP request (${method} ${path.split('?', 1)[0]}) to "${callee}", which speaks bytes (tcp: true).`,
    { fix: `Connect a client of its protocol to mesh.url('${callee}').` },
  )
}

/** The error for what only an edge or a service of HTTP has. */
export function onlyForHttp(what: string, name: string, fix: string): MeshError {
  return new MeshError('MESH_UNSUPPORTED', `${what}: "${name}" carries bytes (tcp: true), not HTTP`, { fix })
}

/** The error for a handler that returned something else than a response. */
export function noResponse({ method, path, callee }: Call, returned: unknown): MeshError {
  return new MeshError(
    'MESH_INVALID_OPTION',
    `The handler of service "${callee}" for ${method} ${path.split('?', 1)[0]} returned ${describeValue(returned)}, which is no response`,
    { fix: 'In the handler, return HttpResponse.json(...).' },
  )
}
