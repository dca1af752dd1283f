import type { RequestHandler } from 'msw'
import type { BrowserContextLike } from '../call/browser-context.ts'
import type { Door } from '../call/door.ts'
import { currentScope, scopes } from '../call/scope.ts'
import type { Chaos } from '../chaos/chaos.ts'
import { MeshError } from '../errors.ts'
import type { Journal } from '../journal/journal.ts'
import { subjectKind } from '../journal/subject.ts'
import type { Subject } from '../journal/subject.ts'
import { describeValue } from '../nearest.ts'
import { observeBreaker } from '../resilience/observe.ts'
import type { Clock, Fidelity } from '../time/clock.ts'
import type { SimulateTools } from '../time/simulate.ts'
import type { EdgeName, MeshShape, ServiceName } from '../topology/names.ts'
import type { Topology } from '../topology/graph.ts'
import type { EdgeOptions, ServiceOptions } from '../topology/options.ts'
import { refuseUnknown } from '../topology/checks.ts'
import { validateEdgeOptions, validateServiceOptions } from '../topology/validate.ts'
import { toWaterfallHtml, toWaterfallText } from '../tracing/waterfall.ts'
import type { WaterfallLimits } from '../tracing/waterfall.ts'
import type { Engine } from './engine.ts'
import { edgeHandle, serviceHandle, subjectOf } from './handles.ts'
import type { EdgeHandle, ServiceHandle } from './handles.ts'
import type { Gate } from './hold.ts'
import { onlyForHttp } from './mistakes.ts'
import type { Ports } from './ports.ts'
import { printable } from './printable.ts'
import type { UrlProtocol } from './protocol.ts'
import { Reach } from './reach.ts'
import { send } from './request.ts'
import type { CallInit } from './request.ts'
import { Simulations } from './simulations.ts'
import type { SimulateOptions } from './simulations.ts'

export type { CallInit, SimulateOptions }

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
  /**
   * How close the simulated delays in real time came to what was drawn: response times, latency faults, scripted delays
   * and backoffs. Print it: `1,204 delays: 99.9 % within 1 ms of what was drawn, p99 0.4 ms late, worst 3.1 ms`.
   */
  fidelity(): Fidelity
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
  /**
   * A real loopback address of a service for a caller in another process. `from` defaults to the service under test, `protocol`
   * to `http`; the same port takes `https`, from clients that trust `mesh.authority`, and HTTP/2 with either.
   */
  url(service: ServiceName<S>, options?: { from?: ServiceName<S>; protocol?: UrlProtocol }): string
  /**
   * The proxy of a service: whoever sends its requests through it speaks as that service, and reaches the services of the mesh by
   * their real names (`https://payments.shop.test`). `service` defaults to the service under test.
   *
   * @example
   * const context = await browser.newContext({ proxy: { server: mesh.proxy() }, ignoreHTTPSErrors: true })
   */
  proxy(service?: ServiceName<S>): string
  /** The certificate that vouches for the mesh's `https` hosts, for clients that take no environment variable. */
  readonly authority: { readonly certificate: string; readonly file: string }
  /**
   * Environment variables for spawning a service under test: `ORDERS_URL=http://127.0.0.1:...` for each callee, its proxy
   * (`HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY`) and the mesh's certificate (`NODE_EXTRA_CA_CERTS`, `SSL_CERT_FILE` ...), so that it
   * reaches the mesh by the real names, too.
   */
  env(service: ServiceName<S>): Record<string, string>
  /**
   * Opens a listener for one edge, on a port of your choice if you name one; without `to`, the proxy of a service. Those of services
   * under test are open from the start.
   */
  listen(options: { from: ServiceName<S>; to?: ServiceName<S>; port?: number; protocol?: UrlProtocol }): Promise<string>
  /**
   * What a test sends along with its requests to a system under test that other tests use at the same time: `baggage` and
   * `traceparent` (W3C) that name this mesh. The system forwards them, and its gateway (`startGateway`) knows whose calls they
   * are. Each call begins a trace of its own.
   *
   * @example
   * await request.post(`${ordersUrl}/orders`, { headers: mesh.headers(), data: { itemId: 'XYZ123' } })
   */
  headers(): Record<string, string>
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
  /** The calls in flight, a line each: id, edge, request, and for how many milliseconds. What a test that hangs waits for. */
  openCalls(): string[]
  /** Runs `fn` with this mesh as the one that requests of the code in it reach. For tests that run at the same time. */
  run<T>(fn: () => T): T
  /** Closes every port, undoes every patch and fault. Idempotent. */
  stop(): Promise<void>
}

/** A mesh whose transports are still to be brought up; that part is no business of users. */
export interface StartingMesh extends Mesh {
  up(options: { inProcess: boolean; listen: boolean; proxy: boolean }): Promise<void>
}

/** `real` waits for the bound of `settled`, on timers that no test can fake. */
export function createMesh(engine: Engine, ports: Ports, real: Clock): StartingMesh {
  const { definition, journal, door } = engine
  const reach = new Reach(engine, ports)
  const simulations = new Simulations(engine, ports)
  const undos: (() => void)[] = []
  const detachments = new Set<() => Promise<void>>()
  let interception: { close(): Promise<void> } | undefined
  let stopped: Promise<void> | undefined

  const alive = (what: string) => {
    if (engine.stopped)
      throw new MeshError('MESH_STOPPED', `${what}: the mesh "${definition.name}" has stopped`, {
        fix: 'Use it while the test runs.',
      })
  }
  const mesh: Mesh = {
    ...subjectOf(engine, 'mesh', definition.name),
    [subjectKind]: 'mesh',
    seed: engine.seed,
    chaos: engine.chaos,
    fidelity: () => engine.clock.fidelity(),
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
      if (engine.fabric.carriesBytes(to)) throw onlyForHttp('mesh.call', to, `Connect a client to mesh.url('${to}').`)
      const url = engine.fabric.service(to).origin + path
      return send(door, init, { caller: from, callee: to, origin: 'driver', path, url }, ports.respond)
    },

    url(service, options = {}) {
      alive('mesh.url')
      return reach.url(service, options)
    },
    env(service) {
      alive('mesh.env')
      return reach.env(service)
    },
    proxy(service) {
      alive('mesh.proxy')
      return reach.proxy(service)
    },
    get authority() {
      alive('mesh.authority')
      return reach.authority
    },
    async listen(options) {
      alive('mesh.listen')
      const url = await reach.listen(options)
      // The mesh may have stopped meanwhile; then it has closed this one, too.
      alive('mesh.listen')
      return url
    },
    headers() {
      alive('mesh.headers')
      return reach.headers()
    },

    async attach(context) {
      alive('mesh.attach')
      const detach = await ports.attach(door, context)
      if (engine.stopped) await detach()
      alive('mesh.attach')
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
      alive('mesh.hold')
      if (engine.fabric.carriesBytes(engine.fabric.edge(edge).callee))
        throw onlyForHttp(
          'mesh.hold',
          edge,
          `To hold the replies, write mesh.chaos.loseReply('${edge}') and revert it.`,
        )
      return engine.gates.hold(edge)
    },

    async simulate(scenario, options = {}) {
      alive('mesh.simulate')
      if (typeof scenario !== 'function')
        throw new MeshError(
          'MESH_INVALID_OPTION',
          `mesh.simulate: expected a function, got ${describeValue(scenario)}`,
          {
            fix: 'Write await mesh.simulate(async ({ sleep }) => {...}).',
          },
        )
      if (typeof options !== 'object' || options === null)
        throw new MeshError(
          'MESH_INVALID_OPTION',
          `mesh.simulate: expected an object of options, got ${describeValue(options)}`,
        )
      refuseUnknown(options, ['startAt', 'maxVirtualMs', 'maxTurns'], { owner: 'mesh.simulate', key: '' })
      const isIntercepted = interception !== undefined
      return simulations.run((tools) => mesh.run(() => scenario(tools)), { ...options, isIntercepted })
    },

    addService(name, options = {}) {
      validateServiceOptions(name, options)
      engine.fabric.addService(name, options)
    },
    removeService(name) {
      engine.fabric.removeService(name)
      reach.closeLost()
    },
    addEdge(from, to, options = {}) {
      validateEdgeOptions(`edge ${from}->${to}`, options)
      engine.fabric.addEdge(from, to, options)
    },
    removeEdge(edge) {
      engine.fabric.removeEdge(edge)
      reach.closeLost()
    },

    settled: ({ timeoutMs = 5_000 } = {}) => engine.dispatch.open.settled(timeoutMs, real),

    openCalls: () => engine.dispatch.open.lines(),

    run: (fn) => scopes.run({ door, outer: currentScope() }, fn),

    stop() {
      stopped ??= (async () => {
        // First of all, so that the gateway sends nothing more.
        const left = reach.leave()
        engine.stop()
        for (const undo of undos.splice(0).reverse()) undo()
        await Promise.all([simulations.ended(), engine.dispatch.ended()])
        await Promise.all([interception?.close(), ...[...detachments].map((detach) => detach()), left, reach.close()])
        detachments.clear()
        ports.hangUp()
        // What handlers still do, nobody waits for.
        engine.dispatch.open.forget()
        journal.record('mesh.stopped', {})
      })()
      return stopped
    },
    [Symbol.asyncDispose]: () => mesh.stop(),
  }

  printable(mesh, 'mesh', () => ({
    seed: engine.seed,
    services: engine.fabric.services.length,
    edges: engine.facts().edges.length,
    calls: journal.where({ type: 'call.started' }).length,
    problems: engine.problems.length,
    stopped: engine.stopped,
  }))
  return Object.assign(mesh, {
    async up({ inProcess, listen, proxy }: { inProcess: boolean; listen: boolean; proxy: boolean }) {
      if (inProcess) interception = ports.intercept(door)
      await reach.up({ listen, proxy })
    },
  })
}
