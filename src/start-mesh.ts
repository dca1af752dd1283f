import { createCall } from './mesh/call.ts'
import type { CallInit } from './mesh/request.ts'
import type { LooseResponse } from './call/loose-response.ts'
import { Engine } from './mesh/engine.ts'
import { createMesh } from './mesh/mesh.ts'
import type { Mesh } from './mesh/mesh.ts'
import type { Ports } from './mesh/ports.ts'
import { MeshError } from './errors.ts'
import { getResponse, rawMsw } from './msw.ts'
import { describeValue, didYouMean } from './nearest.ts'
import { createHostClock } from './time/host-clock.ts'
import type { TimeHost } from './time/host-clock.ts'
import { createRealClock } from './time/real-clock.ts'
import { currentWorld, withReal } from './time/simulate.ts'
import { MeshDefinition } from './topology/definition.ts'
import type { MeshShape } from './topology/names.ts'
import { sharedAuthority, sharedTrust } from './transport/authority.ts'
import { attachBrowser } from './transport/browser.ts'
import { responseFrom } from './transport/fetch-response.ts'
import { gatewayMember } from './transport/gateway/member.ts'
import { controlAddress } from './transport/gateway/protocol.ts'
import { openInProcess } from './transport/in-process/open.ts'
import { warmUp } from './transport/in-process/warm-up.ts'
import { openListener } from './transport/listener.ts'
import { openTcpRelay } from './transport/tcp-relay.ts'
import { mswHandlers } from './transport/msw-handlers.ts'
import { openProxy } from './transport/proxy.ts'
import { releaseTrust, trustFile } from './transport/trust.ts'
import { createUpstreams } from './transport/upstream.ts'

/** What is particular to one run of a definition. */
export interface StartOptions {
  /** Same seed, same decisions. `MESHWRIGHT_SEED` in the environment goes before it, the definition's own seed after it. */
  seed?: number | string
  /** The test's title: without any seed, the seed is derived from it (else from the mesh's name). */
  title?: string
  /** `real` (default), or `host`: the timers and `Date` of the test runner's realm, faked or not. */
  clock?: 'real' | 'host'
  /**
   * Where requests of this process to the mesh's hosts are taken. `in-process` (default) is at the connections that this
   * process opens; `listeners` leaves them alone, so that only real loopback addresses (`mesh.url`, `mesh.proxy`) reach the
   * mesh. `proxy` does so, too, and lets the proxies serve pages: they answer preflights for the services, and pages of any
   * origin may read what comes back.
   */
  transport?: 'in-process' | 'listeners' | 'proxy'
  /** Whether services under test get a proxy, and their edges loopback addresses, at the start. Default true. */
  listen?: boolean
  /**
   * The `url` of the gateway (`startGateway`) through which a system under test that all workers share reaches this mesh.
   * Default: `MESHWRIGHT_GATEWAY` of the environment, for meshes of the gateway's own definition. `false` stays away.
   */
  gateway?: string | false
  /** Global objects of other realms that the code under test runs in (a Jest sandbox). Virtual and host time cover them. */
  realms?: readonly object[]
}

const startOptions = ['seed', 'title', 'clock', 'transport', 'listen', 'gateway', 'realms']

// Meshes of one process, both copies of the package counted, need names that differ.
const counter = Symbol.for('meshwright/mesh-counter')
const shared = globalThis as { [counter]?: number }

function ports(
  realms: readonly object[],
  transport: StartOptions['transport'],
  member: ReturnType<typeof gatewayMember>,
): Ports {
  const upstreams = createUpstreams()
  return {
    answer: (handlers, request, baseUrl) =>
      // `quiet` keeps `sse` handlers from printing each request.
      getResponse(handlers as Parameters<typeof getResponse>[0], request, { baseUrl, quiet: true } as {
        baseUrl: string
      }),
    respond: responseFrom,
    // In virtual time the clock stands until the real service has answered.
    forward: (upstream, call) => withReal(() => upstreams.forward(upstream, member.marked(call))),
    dial: (upstream, call) => withReal(() => upstreams.dial(upstream, member.marked(call))),
    hangUp: () => upstreams.close(),
    listen: (door, options) => {
      const bytes = door.bytes(options.caller, options.callee)
      return bytes ? openTcpRelay(door, bytes, options) : openListener(door, options)
    },
    proxy: (door, options) =>
      openProxy(door, { ...options, forPages: transport === 'proxy', authority: sharedAuthority }),
    authority: sharedTrust,
    trustFile,
    releaseTrust,
    intercept: (door) => openInProcess(door, { worldOf: currentWorld }),
    join: member.join,
    warmUp,
    attach: attachBrowser,
    mswHandlers: (door) => mswHandlers(door, rawMsw),
    realms: () => [globalThis, ...realms],
  }
}

/** The gateway that the author of the test names, else the one of the environment. */
function gatewayOf(option: string | false | undefined, listen: boolean) {
  if (option === false) return undefined
  if (option !== undefined) {
    controlAddress(option, 'startMesh, option `gateway`')
    if (listen) return { url: option, askedBy: 'option' } as const
    throw new MeshError('MESH_INVALID_OPTION', 'startMesh: `gateway` leads to listeners, and `listen` is false', {
      fix: 'Leave one of the two out.',
    })
  }
  const url = process.env['MESHWRIGHT_GATEWAY']
  return url && listen ? ({ url, askedBy: 'environment' } as const) : undefined
}

/** 32 bits of FNV-1a: a short number that a person can type again. */
function seedFrom(text: string): string {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return String(hash >>> 0)
}

/**
 * Brings a definition up. Stop it when the test ends, or write `await using mesh = await startMesh(shop)`.
 *
 * @throws MeshError for a definition that is none and for options out of range.
 * @example
 * const mesh = await startMesh(shop, { seed: 7 })
 * const response = await fetch('https://orders.shop.test/orders', { method: 'POST', body: '{}' })
 * await mesh.stop()
 */
export async function startMesh<S extends MeshShape>(
  definition: MeshDefinition<S>,
  options: StartOptions = {},
): Promise<Mesh<S>> {
  if (!MeshDefinition.is(definition))
    throw new MeshError(
      'MESH_INVALID_DEFINITION',
      `startMesh: expected a definition, got ${describeValue(definition)}`,
      {
        fix: 'Make one with defineMesh({ name, services }).',
      },
    )
  for (const name of Object.keys(options ?? {}))
    if (!startOptions.includes(name))
      throw new MeshError(
        'MESH_INVALID_OPTION',
        `startMesh: unknown option \`${name}\`.${didYouMean(name, startOptions)}`,
        {
          details: [`Options: ${startOptions.join(', ')}`],
        },
      )
  const { clock = 'real', transport = 'in-process', listen = true, gateway, realms = [] } = options ?? {}
  const choices: [string, unknown, readonly string[]][] = [
    ['clock', clock, ['real', 'host']],
    ['transport', transport, ['in-process', 'listeners', 'proxy']],
  ]
  for (const [name, value, allowed] of choices)
    if (!allowed.includes(value as string))
      throw new MeshError(
        'MESH_INVALID_OPTION',
        `startMesh: expected \`${name}\` to be ${allowed.map((word) => `"${word}"`).join(' or ')}, got ${describeValue(value)}`,
      )

  // Set to nothing, the variable is as good as absent; 0 is a seed.
  const seed = process.env['MESHWRIGHT_SEED'] || (options.seed ?? definition.seed)
  const real = createRealClock()
  const member = gatewayMember({ mesh: definition.name, gateway: gatewayOf(gateway, listen), clock: real })
  const handed = ports(realms, transport, member)
  const engine = new Engine({
    definition: definition as unknown as MeshDefinition,
    seed: String(seed ?? seedFrom(options.title ?? definition.name)),
    clock: clock === 'host' ? createHostClock((realms[0] ?? globalThis) as TimeHost) : createRealClock(),
    ports: handed,
    id: `m${(shared[counter] = (shared[counter] ?? 0) + 1)}`,
  })
  const mesh = createMesh(engine, handed, real)
  try {
    await mesh.up({ inProcess: transport === 'in-process', listen, proxy: listen || transport === 'proxy' })
  } catch (error) {
    await mesh.stop()
    throw error
  }
  return mesh as unknown as Mesh<S>
}

/**
 * Calls another service as the service whose handler is running; the call travels the mesh with all its policies and
 * faults. Rejects as `fetch` does when the network fails; a rejection by a policy is a response with `x-mesh-outcome`.
 *
 * @example
 * const item = await call('catalog', '/items/7').then((response) => response.json())
 */
export const call: (service: string, path: string, init?: CallInit) => Promise<LooseResponse> = createCall(responseFrom)
