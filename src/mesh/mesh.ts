import type { RequestHandler } from 'msw'
import { headerList } from '../call/call.ts'
import type { Incoming } from '../call/door.ts'
import type { Door } from '../call/door.ts'
import { currentScope, scopes } from '../call/scope.ts'
import type { Chaos } from '../chaos/chaos.ts'
import { MeshError } from '../errors.ts'
import type { Journal } from '../journal/journal.ts'
import { subjectKind } from '../journal/subject.ts'
import type { Subject } from '../journal/subject.ts'
import { describeValue } from '../nearest.ts'
import { createRandom } from '../random/random.ts'
import { observeBreaker } from '../resilience/observe.ts'
import type { Clock } from '../time/clock.ts'
import { simulate } from '../time/simulate.ts'
import type { SimulateTools } from '../time/simulate.ts'
import type { EdgeName, MeshShape, ServiceName } from '../topology/names.ts'
import type { Topology } from '../topology/graph.ts'
import type { EdgeOptions, ServiceOptions } from '../topology/options.ts'
import { validateEdgeOptions, validateServiceOptions } from '../topology/validate.ts'
import { toWaterfallHtml, toWaterfallText } from '../tracing/waterfall.ts'
import type { WaterfallLimits } from '../tracing/waterfall.ts'
import type { Engine } from './engine.ts'
import { edgeHandle, serviceHandle, subjectOf } from './handles.ts'
import type { EdgeHandle, ServiceHandle } from './handles.ts'
import type { Gate } from './hold.ts'
import type { BrowserContextLike } from '../call/browser-context.ts'
import type { Listener, Ports } from './ports.ts'

export interface CallInit {
  /** Default GET, or POST when there is a body. */
  method?: string
  headers?: Record<string, string>
  /** Sent as JSON. */
  json?: unknown
  /** Sent as it is. */
  body?: string | Uint8Array
  signal?: AbortSignal
}

export interface SimulateOptions {
  /** Milliseconds since the epoch at which virtual time starts. Default 2025-01-01T00:00:00Z. */
  startAt?: number
  /** Virtual time after which the simulation is stopped as running away, in milliseconds. */
  maxVirtualMs?: number
  /** Turns of the event loop after which the simulation is stopped as a livelock. Default 1 000 000. */
  maxTurns?: number
}

export interface Traces {
  /** All spans as a waterfall for people: of one trace, or of all up to a limit. */
  toText(traceId?: string, limits?: WaterfallLimits): string
  toHtml(traceId?: string, limits?: Omit<WaterfallLimits, 'width'>): string
}

/**
 * A definition that is running, for one test. `Mesh` alone is any mesh: with `MeshShape` in place of `any`, one whose names
 * are known could not be handed to a function that does not care.
 */
// oxlint-disable-next-line no-explicit-any -- the reason stands above
export interface Mesh<S extends MeshShape = any> extends Subject, AsyncDisposable {
  readonly [subjectKind]: 'mesh'
  /** Printed by every failure in which chance took part; set MESHWRIGHT_SEED to replay. */
  readonly seed: string
  readonly chaos: Chaos<ServiceName<S>, EdgeName<S>>
  readonly journal: Journal
  readonly clock: Clock
  /** The graph as it is now, dynamic changes included. */
  readonly graph: Topology
  readonly traces: Traces
  /** Mistakes of the test's author noticed so far (undeclared calls, unhandled requests); fixtures fail the test with them. */
  readonly problems: readonly Error[]
  readonly door: Door
  service(name: ServiceName<S>): ServiceHandle
  edge(name: EdgeName<S>): EdgeHandle
  /** Drives the mesh as a service. Rejects as `fetch` would when the network of the mesh fails. */
  call(from: ServiceName<S>, to: ServiceName<S>, path: string, init?: CallInit): Promise<Response>
  /** A real loopback address of a service for a caller in another process. `from` defaults to the service under test. */
  url(service: ServiceName<S>, options?: { from?: ServiceName<S> }): string
  /** Environment variables for spawning a service under test: `ORDERS_URL=http://127.0.0.1:...` for each callee. */
  env(service: ServiceName<S>): Record<string, string>
  /** Opens a listener for one edge, on a port of your choice if you name one. Edges of services under test have theirs from the start. */
  listen(options: { from: ServiceName<S>; to: ServiceName<S>; port?: number }): Promise<string>
  /** Lets the pages of a Playwright browser context reach the mesh, until the mesh stops or the returned undo is called. */
  attach(context: BrowserContextLike): Promise<() => Promise<void>>
  /** MSW handlers for all services, to spread into your own `setupServer` or worker. */
  handlers(): RequestHandler[]
  /** Takes the events of the code under test's own cockatiel or opossum breaker into the journal. Returns the undo. */
  observe(edge: EdgeName<S>, breaker: unknown): () => void
  /** Holds the replies on an edge until they are released. */
  hold(edge: EdgeName<S>): Gate
  /** Runs `scenario` in virtual time: timers, `Date` and the rest, for the mesh and for the code under test. */
  simulate<T>(scenario: (tools: SimulateTools) => T | Promise<T>, options?: SimulateOptions): Promise<T>
  addService(name: string, options?: ServiceOptions): void
  removeService(name: ServiceName<S>): void
  addEdge(from: string, to: string, options?: EdgeOptions): void
  removeEdge(edge: EdgeName<S>): void
  /** Resolves when nothing is in flight, asynchronous calls included. Throws MESH_NOT_SETTLED after `timeoutMs` (real time, default 5000). */
  settled(options?: { timeoutMs?: number }): Promise<void>
  /** Runs `fn` with this mesh as the one that requests of the code in it reach. For tests that run at the same time. */
  run<T>(fn: () => T): T
  /** Closes every port, undoes every patch and fault. Idempotent. */
  stop(): Promise<void>
}

/** A mesh whose transports are still to be brought up; that part is no business of users. */
export interface StartingMesh extends Mesh {
  up(options: { inProcess: boolean; listen: boolean }): Promise<void>
}

const encoder = new TextEncoder()

/** `real` waits for the bound of `settled`, on timers that no test can fake. */
export function createMesh(engine: Engine, ports: Ports, real: Clock): StartingMesh {
  const { definition, journal, door } = engine
  const listeners = new Map<string, Listener>()
  const undos: (() => void)[] = []
  const detachments = new Set<() => Promise<void>>()
  let interception: { close(): Promise<void> } | undefined
  let simulations = 0
  // What code in a simulation draws from `Math.random` is seeded, but is no decision of the mesh.
  const inside = createRandom(engine.seed)
  const running = new Set<Promise<unknown>>()
  let stopped: Promise<void> | undefined

  const alive = (what: string) => {
    if (engine.stopped)
      throw new MeshError('MESH_STOPPED', `${what}: the mesh "${definition.name}" has stopped`, {
        fix: 'Use it while the test runs.',
      })
  }

  const open = async (from: string, to: string, port?: number): Promise<string> => {
    const key = `${from}->${to}`
    let listener = listeners.get(key)
    if (listener && port !== undefined && listener.port !== port) {
      listeners.delete(key)
      await listener.close()
      listener = undefined
    }
    if (!listener) listeners.set(key, (listener = await ports.listen(door, { caller: from, callee: to, port })))
    return listener.url
  }

  const mesh: Mesh = {
    ...subjectOf(engine, 'mesh', definition.name),
    [subjectKind]: 'mesh',
    seed: engine.seed,
    chaos: engine.chaos,
    get graph() {
      return engine.fabric.topology
    },
    traces: {
      toText: (traceId, limits) => toWaterfallText(journal, traceId, limits),
      toHtml: (traceId, limits) => toWaterfallHtml(journal, traceId, limits),
    },
    problems: engine.problems,
    door,
    service: (name) => serviceHandle(engine, name),
    edge: (name) => edgeHandle(engine, name),

    async call(from, to, path, init = {}) {
      alive('mesh.call')
      engine.fabric.service(from)
      const service = engine.fabric.service(to)
      const url = service.origin + path
      return ports.respond(
        await door.enter(incomingFrom(init, { caller: from, callee: to, origin: 'driver', path, url })),
        url,
      )
    },

    url(service, { from = engine.fabric.defaultCaller } = {}) {
      alive('mesh.url')
      engine.fabric.service(service)
      const listener = listeners.get(`${from}->${service}`)
      if (listener) return listener.url
      const edge = engine.fabric.edge(`${from}->${service}`)
      throw new MeshError(
        'MESH_UNSUPPORTED',
        `mesh.url: no listener is open for ${edge.name}, because "${from}" is not under test`,
        {
          fix: `Open one first: await mesh.listen({ from: '${from}', to: '${service}' }).`,
        },
      )
    },

    env(service) {
      alive('mesh.env')
      engine.fabric.service(service)
      const env: Record<string, string> = { MESHWRIGHT_SERVICE: service }
      for (const [edge, { url }] of listeners) {
        const [caller, callee] = edge.split('->') as [string, string]
        if (caller === service) env[`${callee.toUpperCase().replace(/[^A-Z0-9]+/g, '_')}_URL`] = url
      }
      return env
    },

    async listen({ from, to, port }) {
      alive('mesh.listen')
      if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port <= 65535))
        throw new MeshError(
          'MESH_INVALID_OPTION',
          `mesh.listen: expected \`port\` to be an integer from 0 to 65535, got ${describeValue(port)}`,
        )
      engine.fabric.edge(`${from}->${to}`)
      return open(from, to, port)
    },

    async attach(context) {
      alive('mesh.attach')
      const detach = await ports.attach(door, context)
      detachments.add(detach)
      return async () => {
        if (detachments.delete(detach)) await detach()
      }
    },

    handlers: () => ports.mswHandlers(door),

    observe(edge, breaker) {
      const runtime = engine.fabric.edge(edge)
      const undo = observeBreaker(breaker, { edge, record: journal.record, clock: engine.clock })
      runtime.observed = true
      const stop = () => {
        undo()
        runtime.observed = false
      }
      undos.push(undo)
      return stop
    },

    hold(edge) {
      engine.fabric.edge(edge)
      return engine.gates.hold(edge)
    },

    async simulate(scenario, options = {}) {
      alive('mesh.simulate')
      const before = new Set(mesh.chaos.faults)
      const ownInterception = interception ? undefined : ports.intercept(door)
      const simulation = ++simulations
      await ports.warmUp()
      let leave = () => {}
      try {
        const run = simulate(
          {
            ...options,
            random: inside,
            realms: ports.realms(),
            onWorld(world) {
              leave = engine.clock.enter(world.clock)
              // A test that ran out of time must not leave virtual time on the globals.
              engine.stopping.addEventListener('abort', () => world.fail(engine.stopping.reason), { once: true })
              engine.dispatch.open.mirrorTo(world.open)
              journal.record('simulation.started', { simulation })
            },
          },
          (tools) => mesh.run(() => scenario(tools)),
        )
        running.add(run)
        void run.catch(() => {}).finally(() => running.delete(run))
        return await run
      } finally {
        // Faults injected in virtual time end with it: their clocks stop here. So do calls that are still under way.
        for (const fault of mesh.chaos.faults) if (!before.has(fault)) fault.revert()
        engine.dispatch.open.forget()
        journal.record('simulation.ended', { simulation, virtualMs: engine.clock.sinceStart() })
        leave()
        await ownInterception?.close()
      }
    },

    addService(name, options = {}) {
      validateServiceOptions(name, options)
      engine.fabric.addService(name, options)
    },
    removeService: (name) => engine.fabric.removeService(name),
    addEdge(from, to, options = {}) {
      validateEdgeOptions(`edge ${from}->${to}`, options)
      engine.fabric.addEdge(from, to, options)
    },
    removeEdge: (edge) => engine.fabric.removeEdge(edge),

    async settled({ timeoutMs = 5_000 } = {}) {
      let late = () => {}
      const limit = new Promise<'late'>((resolve) => (late = real.timer(timeoutMs, () => resolve('late'))))
      const outcome = await Promise.race([engine.dispatch.open.empty(), limit])
      late()
      if (outcome === 'late')
        throw new MeshError(
          'MESH_NOT_SETTLED',
          `mesh.settled: ${engine.dispatch.open.size === 1 ? '1 call is' : `${engine.dispatch.open.size} calls are`} still open after ${timeoutMs} ms`,
          {
            details: engine.dispatch.open.lines(),
            fix: 'Take back the fault or release the gate that holds them, or raise timeoutMs.',
          },
        )
    },

    run: (fn) => scopes.run({ door, outer: currentScope() }, fn),

    stop() {
      stopped ??= (async () => {
        engine.stop()
        for (const undo of undos.splice(0).reverse()) undo()
        await Promise.allSettled(running)
        await Promise.all([
          interception?.close(),
          ...[...detachments].map((detach) => detach()),
          ...[...listeners.values()].map((listener) => listener.close()),
        ])
        listeners.clear()
        detachments.clear()
        journal.record('mesh.stopped', {})
      })()
      return stopped
    },
    [Symbol.asyncDispose]: () => mesh.stop(),
  }

  return Object.assign(mesh, {
    async up({ inProcess, listen }: { inProcess: boolean; listen: boolean }) {
      if (inProcess) interception = ports.intercept(door)
      if (!listen) return
      const edges = engine.facts().edges.filter(({ callerUnderTest }) => callerUnderTest)
      await Promise.all(edges.map(({ caller, callee }) => open(caller, callee)))
    },
  })
}

/** A request from `mesh.call` and `call`, as the engine takes it. */
export function incomingFrom(
  { method, headers = {}, json, body, signal }: CallInit,
  where: Pick<Incoming, 'caller' | 'callee' | 'origin' | 'path' | 'url' | 'parent'> & { trace?: Incoming['headers'] },
): Incoming {
  const { trace = [], ...place } = where
  if (!place.path.startsWith('/'))
    throw new MeshError(
      'MESH_INVALID_OPTION',
      `call: expected the path to start with "/", got ${describeValue(place.path)}`,
    )
  if (json !== undefined && body !== undefined)
    throw new MeshError('MESH_INVALID_OPTION', 'call: give `json` or `body`, not both')
  const list = [...headerList(headers)]
  let bytes: Uint8Array | null = null
  if (json !== undefined) {
    bytes = encoder.encode(JSON.stringify(json))
    if (!list.some(([name]) => name === 'content-type')) list.push(['content-type', 'application/json'])
  } else if (typeof body === 'string') bytes = encoder.encode(body)
  else if (body !== undefined) bytes = body
  if (!list.some(([name]) => name === 'traceparent')) list.push(...trace)
  return {
    ...place,
    method: (method ?? (bytes ? 'POST' : 'GET')).toUpperCase(),
    headers: list,
    body: bytes,
    ...(signal && { signal }),
  }
}
