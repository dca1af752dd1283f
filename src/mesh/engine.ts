import { setMaxListeners } from 'node:events'
import { responseTime } from '../backend/response-time-filter.ts'
import type { Call, HeaderList, Origin } from '../call/call.ts'
import { edgeName } from '../call/call.ts'
import type { Door } from '../call/door.ts'
import { failed } from '../call/reply.ts'
import type { Reply } from '../call/reply.ts'
import type { Scope } from '../call/scope.ts'
import { createChaos } from '../chaos/chaos.ts'
import type { ChaosControl } from '../chaos/chaos.ts'
import { MeshError } from '../errors.ts'
import { createJournal } from '../journal/journal.ts'
import type { Recorder } from '../journal/journal.ts'
import type { Facts } from '../journal/subject.ts'
import { createRandom } from '../random/random.ts'
import type { Random } from '../random/random.ts'
import type { Clock } from '../time/clock.ts'
import type { MeshDefinition } from '../topology/definition.ts'
import type { ServiceOptions } from '../topology/options.ts'
import { clientTracing, serverTracing } from '../tracing/filter.ts'
import { createTracing } from '../tracing/tracer.ts'
import type { Tracing } from '../tracing/tracer.ts'
import { buildChain } from './chain.ts'
import type { Chain } from './chain.ts'
import { Connections } from './connections.ts'
import { Dispatch } from './dispatch.ts'
import { describeBody, journalHeaders } from './evidence.ts'
import { ExpressLane } from './express-lane.ts'
import { Fabric } from './fabric.ts'
import type { ChainOrder } from './fabric.ts'
import { Gates } from './hold.ts'
import type { Ports } from './ports.ts'
import { ServiceRuntime } from './service-runtime.ts'
import { streamsRequests } from './streamed.ts'
import { SwitchClock } from './switch-clock.ts'

/** Mistakes that are kept to be told at the end of a test. A test that makes more has made its point. */
const problemLimit = 1_000

export interface EngineOptions {
  readonly definition: MeshDefinition
  readonly seed: string
  readonly clock: Clock
  readonly ports: Ports
  /** Unique among the meshes of this process. */
  readonly id: string
}

/** Puts the parts of a mesh together and owns what lives as long as it does. Knows no test runner and no socket. */
export class Engine {
  readonly definition: MeshDefinition
  readonly seed: string
  readonly random: Random
  readonly clock: SwitchClock
  readonly journal: Recorder
  readonly chaos: ChaosControl
  readonly gates: Gates
  readonly fabric: Fabric
  readonly dispatch: Dispatch
  readonly connections: Connections
  readonly express: ExpressLane
  readonly door: Door
  readonly problems: Error[] = []
  readonly #ports: Ports
  readonly #stopping = new AbortController()
  readonly #tracing: Tracing

  constructor({ definition, seed, clock, ports, id }: EngineOptions) {
    this.definition = definition
    this.seed = seed
    this.#ports = ports
    this.random = createRandom(seed)
    this.clock = new SwitchClock(clock)
    this.journal = createJournal(() => this.clock.sinceStart())
    const { record, jot } = this.journal
    record('mesh.started', { mesh: definition.name, seed, services: Object.keys(definition.services) })
    // Everything that waits in the mesh listens to this one signal; that is no leak, each waiter leaves again.
    setMaxListeners(0, this.#stopping.signal)
    this.gates = new Gates(record)
    this.#tracing = createTracing({
      services: Object.keys(definition.services),
      random: this.random,
      clock: this.clock,
      record,
      jot,
      startMs: () => this.clock.originMs,
    })
    this.chaos = createChaos({
      clock: this.clock,
      random: this.random,
      record,
      stopping: this.#stopping.signal,
      resolve: (target) => this.fabric.edgesMeantBy(target),
      carriesBytes: (service) => this.fabric.carriesBytes(service),
      expectService: (name) => void this.fabric.service(name),
      reachesWire: ({ origin, mode, caller }) =>
        mode === 'sync' && wires.has(origin) && !this.fabric.appliesPolicies(caller),
      problem: (error, where) => this.problem(error, where),
    })
    this.fabric = new Fabric(definition, record, {
      service: (name, options) => this.#makeService(name, options),
      chain: (order) => this.#makeChain(order),
    })
    this.dispatch = new Dispatch({
      definition,
      fabric: this.fabric,
      clock: this.clock,
      record,
      problem: (error, where) => this.problem(error, where),
    })
    this.connections = new Connections({
      clock: this.clock,
      record,
      upstreamOf: (service) => this.fabric.findService(service)?.upstream,
      faults: this.chaos,
    })
    this.express = new ExpressLane({
      fabric: this.fabric,
      dispatch: this.dispatch,
      gates: this.gates,
      chaos: this.chaos,
      clock: this.clock,
      tracing: this.#tracing,
      jot,
    })
    this.door = this.#makeDoor(id)
  }

  // ---- the caller's side

  #makeChain({ caller, callee, options, underTest, sidecar, kept }: ChainOrder): Chain {
    return buildChain({
      options,
      kept,
      applyPolicies: !underTest || sidecar,
      context: this.#contextOf(edgeName(caller, callee)),
      clientTracing: clientTracing(this.#tracing, { underTest }),
      network: [(call, next) => this.dispatch.underWay(call, next), this.gates.filter, this.chaos.filter],
      callee: (call) => this.#arrive(call),
    })
  }

  #contextOf(edge: string) {
    return { edge, clock: this.clock, random: this.random, record: this.journal.record }
  }

  // ---- the callee's side

  #makeService(name: string, options: ServiceOptions): ServiceRuntime {
    this.#tracing.addService(name)
    return new ServiceRuntime(name, options, {
      ports: this.#ports,
      // A request is nothing for a service that speaks bytes.
      dependencies: (service) =>
        this.fabric.dependenciesOf(service).filter(({ callee }) => !this.fabric.carriesBytes(callee)),
      callOn: (service, callee, call) => this.#callOn(service, callee, call),
      unhandledRequests: this.definition.unhandledRequests,
      problem: (error, call) => this.problem(error, call && { call: call.id, edge: call.edge }),
      sleep: (ms) => this.clock.sleep(ms, this.#stopping.signal),
      sockets: {
        record: this.journal.record,
        stopping: this.#stopping.signal,
        refuses: (caller, callee) => this.chaos.refuses(caller, callee),
        onRefusalChange: (listener) => this.chaos.onChange(listener),
        isThere: (edge) => this.fabric.findEdge(edge) !== undefined,
        onLoss: (listener) => this.fabric.onLoss(listener),
        problem: (error, { id: call, edge }) => this.problem(error, { call, edge }),
      },
    })
  }

  async #arrive(call: Call): Promise<Reply> {
    const service = this.fabric.findService(call.callee)
    if (!service) return failed('refused', { message: `${call.callee} is not there any more`, processed: false })
    const instance = service.instanceFor(call)
    this.journal.record('request.received', {
      call: call.id,
      edge: call.edge,
      service: service.name,
      instance,
      attempt: call.attempt,
      method: call.method,
      path: call.path,
      headers: journalHeaders(call.headers),
      ...(call.body !== null && { body: describeBody(call) }),
    })
    return serverTracing(this.#tracing, { instance }, (arrived, traceHeaders, setRoute) => {
      const scope: Scope = {
        door: this.door,
        service: service.name,
        parent: { id: call.id, hops: call.hops },
        trace: traceHeaders,
      }
      // In front of a real service the mesh is its sidecar: the SERVER span is the sidecar's, and the service continues it.
      const answer = (current: Call) =>
        service.answer(service.upstream === undefined ? current : withTrace(current, traceHeaders()), scope, setRoute)
      const time = service.options.responseTime
      if (time === undefined) return answer(arrived)
      // A caller that gives up does not stop the service: the wait ends early only when the mesh stops.
      const patient = { ...arrived, signal: this.#stopping.signal }
      return responseTime(time, this.#contextOf(call.edge))(patient, (current) =>
        answer({ ...current, signal: arrived.signal }),
      )
    })(call)
  }

  #callOn(service: string, callee: string, call: Call): Promise<Reply> {
    const origin = this.fabric.findService(callee)?.origin ?? `http://${callee}`
    return this.dispatch.enter({
      caller: service,
      callee,
      origin: 'handler',
      method: call.method,
      path: call.path,
      url: origin + call.path,
      headers: call.headers,
      body: call.body,
      parent: { id: call.id, hops: call.hops },
    })
  }

  // ---- life

  get stopped(): boolean {
    return this.#stopping.signal.aborted
  }

  /** Aborts when the mesh stops. */
  get stopping(): AbortSignal {
    return this.#stopping.signal
  }

  stop(): void {
    if (this.stopped) return
    this.chaos.revertAll('mesh-stopped')
    this.gates.releaseAll()
    const reason = new MeshError('MESH_STOPPED', `The mesh "${this.definition.name}" has stopped.`)
    this.#stopping.abort(reason)
    this.dispatch.close(reason)
  }

  problem(error: Error, where: { call?: string; edge?: string } = {}): void {
    // The same mistake is told once, however often it happens; the journal has each time.
    if (this.problems.length < problemLimit && !this.problems.includes(error)) this.problems.push(error)
    const code = MeshError.is(error) ? error.code : error.name
    this.journal.record('problem', { code, message: error.message, ...where })
  }

  facts(): Facts {
    return {
      mesh: this.definition.name,
      seed: this.seed,
      chance: this.random.used,
      services: this.fabric.services,
      edges: this.fabric.facts(),
    }
  }

  #makeDoor(id: string): Door {
    const { fabric, chaos, dispatch, express, connections } = this
    const isStopped = () => this.stopped
    return {
      id,
      name: this.definition.name,
      clock: this.clock,
      get defaultCaller() {
        return fabric.defaultCaller
      },
      get stopped() {
        return isStopped()
      },
      serviceAt: (url) => fabric.serviceAt(url),
      originOf: (service) => fabric.findService(service)?.origin,
      services: () => fabric.services,
      origins: () => fabric.origins,
      onOriginsChange: (listener) => fabric.onOriginsChange(listener),
      streams: (caller, callee) => streamsRequests(fabric, caller, callee),
      enter: (incoming) => dispatch.enter(incoming),
      atOnce: (request) => express.answer(request),
      refuses: (caller, callee) => chaos.refuses(caller, callee),
      onRefusalChange: (listener) => chaos.onChange(listener),
      bytes: (caller, callee) => (fabric.carriesBytes(callee) ? connections.edge(caller, callee) : undefined),
      problem: (error) => this.problem(error),
    }
  }
}

/** The ways into the mesh at whose other end is a connection of the caller's own. */
const wires: ReadonlySet<Origin> = new Set<Origin>(['in-process', 'listener', 'proxy'])

const withTrace = (call: Call, trace: HeaderList): Call => ({
  ...call,
  headers: [...call.headers.filter(([name]) => name !== 'traceparent' && name !== 'tracestate'), ...trace],
})
