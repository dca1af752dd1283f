import { setMaxListeners } from 'node:events'
import type { Call, CallMode, HeaderList } from '../call/call.ts'
import { edgeName } from '../call/call.ts'
import type { Door, Incoming } from '../call/door.ts'
import type { Filter } from '../call/filter.ts'
import { answered, failed } from '../call/reply.ts'
import type { Reply } from '../call/reply.ts'
import type { Scope } from '../call/scope.ts'
import { createChaos } from '../chaos/chaos.ts'
import type { ChaosControl } from '../chaos/chaos.ts'
import { responseTime } from '../backend/response-time-filter.ts'
import { MeshError } from '../errors.ts'
import type { MeshErrorCode } from '../errors.ts'
import { createJournal } from '../journal/journal.ts'
import type { Recorder } from '../journal/journal.ts'
import type { EdgeFacts, Facts } from '../journal/subject.ts'
import { nearest } from '../nearest.ts'
import { createRandom } from '../random/random.ts'
import type { Random } from '../random/random.ts'
import type { Circuit } from '../resilience/circuit-breaker.ts'
import type { Clock } from '../time/clock.ts'
import { unknownEdge, unknownService } from '../topology/unknown.ts'
import type { Topology } from '../topology/graph.ts'
import type { MeshDefinition } from '../topology/definition.ts'
import type { EdgeOptions, ServiceOptions } from '../topology/options.ts'
import { clientTracing, serverTracing } from '../tracing/filter.ts'
import { createTracing } from '../tracing/tracer.ts'
import type { Tracing } from '../tracing/tracer.ts'
import { CallSignals } from './call-signals.ts'
import type { CallSignal } from './call-signals.ts'
import { buildChain, roundMs } from './chain.ts'
import type { Chain } from './chain.ts'
import { Dependencies } from './dependencies.ts'
import { describeBody, journalHeaders } from './evidence.ts'
import { Gates } from './hold.ts'
import { OpenCalls } from './open-calls.ts'
import type { Ports } from './ports.ts'
import { ServiceRuntime } from './service-runtime.ts'
import { SwitchClock } from './switch-clock.ts'

export interface EngineOptions {
  readonly definition: MeshDefinition
  readonly seed: string
  readonly clock: Clock
  readonly ports: Ports
  /** Unique among the meshes of this process. */
  readonly id: string
}

interface EdgeRuntime {
  readonly name: string
  readonly caller: string
  readonly callee: string
  options: EdgeOptions
  chain: Chain
  calls: number
  observed: boolean
}

/** Builds chains, dispatches calls, and owns what lives as long as the mesh does. Knows no test runner and no socket. */
export class Engine {
  readonly definition: MeshDefinition
  readonly seed: string
  readonly random: Random
  readonly clock: SwitchClock
  readonly journal: Recorder
  readonly chaos: ChaosControl
  readonly gates: Gates
  readonly door: Door
  readonly open: OpenCalls
  readonly problems: Error[] = []
  topology: Topology
  readonly #ports: Ports
  readonly #services = new Map<string, ServiceRuntime>()
  readonly #edges = new Map<string, EdgeRuntime>()
  readonly #byOrigin = new Map<string, string>()
  readonly #originListeners = new Set<() => void>()
  readonly #children = new Map<string, number>()
  readonly #stopping = new AbortController()
  readonly #signals = new CallSignals()
  readonly #dependencies = new Dependencies()
  readonly #tracing: Tracing
  #entered = 0

  constructor({ definition, seed, clock, ports, id }: EngineOptions) {
    this.definition = definition
    this.seed = seed
    this.#ports = ports
    this.topology = definition.graph
    this.random = createRandom(seed)
    this.clock = new SwitchClock(clock)
    this.journal = createJournal(() => this.clock.sinceStart())
    this.open = new OpenCalls(this.clock)
    const record = this.journal.record
    this.gates = new Gates(record)
    this.chaos = createChaos({
      clock: this.clock,
      random: this.random,
      record,
      stopping: this.#stopping.signal,
      resolve: (target) => this.#resolveTarget(target),
    })
    this.#tracing = createTracing({
      services: this.topology.services,
      random: this.random,
      clock: this.clock,
      record,
      startMs: () => this.clock.originMs,
    })
    // Everything that waits in the mesh listens to this one signal; that is no leak, each waiter leaves again.
    setMaxListeners(0, this.#stopping.signal)
    this.door = this.#makeDoor(id)
    for (const [name, options] of Object.entries(definition.services)) this.#bringUp(name, options)
    record('mesh.started', { mesh: definition.name, seed, services: [...this.topology.services] })
  }

  // ---- calls

  async enter(incoming: Incoming): Promise<Reply> {
    const { caller, callee, parent } = incoming
    if (this.stopped) return failed('refused', { message: 'the mesh has stopped', processed: false })
    const edge = this.#edgeFor(incoming)
    if (!edge) return failed('undeclared', { message: `no edge ${edgeName(caller, callee)}`, processed: false })
    const hops = parent ? [...parent.hops, callee] : [caller, callee]
    const mode = edge.options.mode ?? 'sync'
    // Fire and forget: the work goes on after the caller has its 202, whatever becomes of the caller.
    const signal = this.#signals.open(mode === 'async' ? undefined : incoming.signal)
    const call: Call = Object.freeze({
      id: this.#nextId(parent?.id),
      ...(parent && { parent: parent.id }),
      caller,
      callee,
      edge: edge.name,
      mode,
      origin: incoming.origin,
      method: incoming.method,
      path: incoming.path,
      url: incoming.url,
      headers: incoming.headers,
      body: incoming.body,
      attempt: 0,
      nth: ++edge.calls,
      hops,
      signal: signal.signal,
    })
    const traceparent = incoming.headers.find(([name]) => name === 'traceparent')?.[1]
    this.journal.record('call.started', {
      call: call.id,
      ...(parent && { parent: parent.id }),
      edge: call.edge,
      mode: call.mode,
      origin: call.origin,
      method: call.method,
      path: call.path,
      ...(traceparent && { traceparent }),
    })
    if (mode === 'async') {
      // Only `settled` waits for it.
      void this.#run(edge, call, signal)
      return answered(202)
    }
    return this.#run(edge, call, signal)
  }

  async #run(edge: EdgeRuntime, call: Call, { release }: CallSignal): Promise<Reply> {
    const startMs = this.clock.now()
    const done = this.open.add(call)
    let isStreamed = false
    try {
      const reply = await (this.#beyondHopLimit(call) ?? edge.chain.run(call))
      const attempts = this.#attempts.get(call.id) ?? 0
      this.journal.record('call.ended', {
        call: call.id,
        edge: call.edge,
        outcome: reply.outcome,
        ...(reply.outcome === 'answered' && { status: reply.status }),
        durationMs: roundMs(this.clock.now() - startMs),
        attempts,
        ...(reply.outcome === 'answered' && reply.via && { via: reply.via }),
        ...(reply.outcome !== 'answered' && reply.message && { message: reply.message }),
      })
      // Whoever writes the body still has to hear that nobody reads it any more.
      isStreamed = reply.outcome === 'answered' && reply.body !== null && 'getReader' in reply.body
      return reply
    } finally {
      if (!isStreamed) release()
      this.#attempts.delete(call.id)
      this.#children.delete(call.id)
      done()
    }
  }

  /** Tries of each call in flight. */
  readonly #attempts = new Map<string, number>()

  #nextId(parent: string | undefined): string {
    if (parent === undefined) return String(++this.#entered)
    const nth = (this.#children.get(parent) ?? 0) + 1
    this.#children.set(parent, nth)
    return `${parent}.${nth}`
  }

  #edgeFor({ caller, callee, method, path }: Incoming): EdgeRuntime | undefined {
    const name = edgeName(caller, callee)
    const edge = this.#edges.get(name)
    if (edge) return edge
    if (this.definition.undeclaredCalls === 'allow' && this.#services.has(callee))
      return this.#openEdge(caller, callee, {})
    const declared = this.topology.edges.map((one) => one.name)
    const own = this.topology.edges.filter((one) => one.caller === caller).map((one) => one.callee)
    this.problem(
      new MeshError(
        'MESH_UNDECLARED_CALL',
        `"${caller}" called "${callee}" (${method} ${path}), but the mesh "${this.definition.name}" declares no such edge.`,
        {
          details: [
            own.length ? `"${caller}" may call: ${own.join(', ')}` : `"${caller}" declares no calls`,
            ...(nearest(name, declared).length ? [`Nearest edges: ${nearest(name, declared).join(', ')}`] : []),
          ],
          fix: this.#services.has(caller)
            ? `Declare it (services.${caller}.calls.${callee}: {}) or set undeclaredCalls: 'allow'.`
            : `Say which service the code under test speaks as: underTest: true, and calls: { ${callee}: {} }.`,
        },
      ),
      { edge: name },
    )
    return undefined
  }

  #beyondHopLimit(call: Call): Promise<Reply> | undefined {
    if (call.hops.length - 1 <= this.definition.hopLimit) return undefined
    const last = call.hops.at(-1)!
    const before = call.hops.lastIndexOf(last, -2)
    const cycle = call.hops.slice(before === -1 ? 0 : before)
    const error = new MeshError(
      'MESH_HOP_LIMIT',
      `A call travelled ${call.hops.length - 1} hops, the limit is ${this.definition.hopLimit}.`,
      {
        details: [before === -1 ? `Way: ${cycle.join(' -> ')}` : `Cycle: ${cycle.join(' -> ')}`],
        fix: 'Break the cycle in a handler, or raise hopLimit in the definition.',
      },
    )
    this.problem(error, { call: call.id, edge: call.edge })
    return Promise.resolve(failed('hop-limit', { message: error.message, processed: false }))
  }

  // ---- services and edges

  service(name: string): ServiceRuntime {
    const service = this.#services.get(name)
    if (!service) throw unknownService(name, this.definition.name, [...this.#services.keys()])
    return service
  }

  edge(name: string): EdgeRuntime {
    const edge = this.#edges.get(name)
    if (!edge) throw unknownEdge(name, this.definition.name, [...this.#edges.keys()])
    return edge
  }

  circuitOf(edge: string): Circuit | undefined {
    return this.edge(edge).chain.circuit
  }

  get serviceNames(): string[] {
    return [...this.#services.keys()]
  }

  /** The service that code outside any handler speaks as: the first one under test. */
  get defaultCaller(): string {
    for (const [name, { options }] of this.#services) if (options.underTest) return name
    return 'test'
  }

  addService(name: string, options: ServiceOptions): void {
    this.topology = this.topology.withService(name, options)
    this.#bringUp(name, options)
    this.journal.record('topology.changed', { change: 'service-added', service: name })
    for (const listener of this.#originListeners) listener()
  }

  removeService(name: string): void {
    this.service(name)
    this.topology = this.topology.withoutService(name)
    this.#services.delete(name)
    for (const [origin, service] of this.#byOrigin) if (service === name) this.#byOrigin.delete(origin)
    for (const edge of [...this.#edges.values()])
      if (edge.caller === name || edge.callee === name) this.#edges.delete(edge.name)
    this.journal.record('topology.changed', { change: 'service-removed', service: name })
  }

  addEdge(caller: string, callee: string, options: EdgeOptions): void {
    this.service(caller)
    this.service(callee)
    this.topology = this.topology.withEdge(caller, callee, options)
    const known = this.#edges.get(edgeName(caller, callee))
    if (known) this.#reconfigure(known, options)
    else this.#openEdge(caller, callee, options)
    this.journal.record('topology.changed', {
      change: known ? 'policy-changed' : 'edge-added',
      edge: edgeName(caller, callee),
      options: options as Record<string, unknown>,
    })
  }

  removeEdge(name: string): void {
    this.edge(name)
    this.topology = this.topology.withoutEdge(name)
    this.#edges.delete(name)
    this.journal.record('topology.changed', { change: 'edge-removed', edge: name })
  }

  configureEdge(name: string, options: EdgeOptions): void {
    const edge = this.edge(name)
    this.addEdge(edge.caller, edge.callee, { ...edge.options, ...options })
  }

  #bringUp(name: string, options: ServiceOptions): void {
    const runtime = new ServiceRuntime(name, options, {
      ports: this.#ports,
      dependencies: (service) => this.#dependencies.of(service, this.topology),
      callOn: (service, callee, call) => this.#callOn(service, callee, call),
      unhandledRequests: this.definition.unhandledRequests,
      problem: (error, call) => this.problem(error, call && { call: call.id, edge: call.edge }),
      sleep: (ms) => this.clock.sleep(ms, this.#stopping.signal),
    })
    this.#services.set(name, runtime)
    this.#byOrigin.set(runtime.origin, name)
    this.#tracing.addService(name)
    for (const [callee, edge] of Object.entries(options.calls ?? {})) this.#openEdge(name, callee, edge)
  }

  #openEdge(caller: string, callee: string, options: EdgeOptions): EdgeRuntime {
    const name = edgeName(caller, callee)
    const edge: EdgeRuntime = {
      name,
      caller,
      callee,
      options,
      chain: this.#chain(caller, callee, options),
      calls: 0,
      observed: false,
    }
    this.#edges.set(name, edge)
    return edge
  }

  #reconfigure(edge: EdgeRuntime, options: EdgeOptions): void {
    // An open circuit stays open when something else changes.
    const isSameBreaker = JSON.stringify(edge.options.circuitBreaker) === JSON.stringify(options.circuitBreaker)
    const { circuit } = edge.chain
    edge.options = options
    edge.chain = this.#chain(edge.caller, edge.callee, options, isSameBreaker ? circuit : undefined)
  }

  #underTest(service: string): boolean {
    // A caller that is no service of the mesh is the test itself.
    return this.#services.get(service)?.options.underTest ?? !this.#services.has(service)
  }

  #chain(caller: string, callee: string, options: EdgeOptions, circuit?: Circuit): Chain {
    const record = this.journal.record
    const callerOptions = this.#services.get(caller)?.options ?? this.definition.services[caller]
    const underTest = callerOptions?.underTest ?? callerOptions === undefined
    const context = { edge: edgeName(caller, callee), clock: this.clock, random: this.random, record }
    const countAttempts: Filter = (call, next) => {
      this.#attempts.set(call.id, call.attempt + 1)
      return next(call)
    }
    return buildChain({
      options,
      circuit,
      applyPolicies: !underTest || callerOptions?.sidecar === true,
      context,
      clientTracing: clientTracing(this.#tracing, { underTest }),
      network: [countAttempts, this.gates.filter, this.chaos.filter],
      callee: (call) => this.#arrive(call),
    })
  }

  // ---- the callee's side

  async #arrive(call: Call): Promise<Reply> {
    const service = this.#services.get(call.callee)
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
        parent: { id: call.id, hops: call.hops, signal: this.#stopping.signal },
        trace: traceHeaders,
      }
      // In front of a real service the mesh is its sidecar: the SERVER span is the sidecar's, and the service continues it.
      const answer = (current: Call) =>
        service.answer(service.upstream === undefined ? current : withTrace(current, traceHeaders()), scope, setRoute)
      const time = service.options.responseTime
      if (time === undefined) return answer(arrived)
      // A caller that gives up does not stop the service: the wait ends early only when the mesh stops.
      const context = { edge: call.edge, clock: this.clock, random: this.random, record: this.journal.record }
      const patient = { ...arrived, signal: this.#stopping.signal }
      return responseTime(time, context)(patient, (current) => answer({ ...current, signal: arrived.signal }))
    })(call)
  }

  async #callOn(service: string, callee: string, call: Call): Promise<Reply> {
    const target = this.#services.get(callee)
    return this.enter({
      caller: service,
      callee,
      origin: 'handler',
      method: call.method,
      path: call.path,
      url: `${target?.origin ?? `http://${callee}`}${call.path}`,
      headers: call.headers,
      body: call.body,
      parent: { id: call.id, hops: call.hops, signal: this.#stopping.signal },
    })
  }

  // ---- life

  get stopped(): boolean {
    return this.#stopping.signal.aborted
  }

  get stopping(): AbortSignal {
    return this.#stopping.signal
  }

  stop(): void {
    if (this.stopped) return
    this.chaos.revertAll('mesh-stopped')
    this.gates.releaseAll()
    const reason = new MeshError('MESH_STOPPED', `The mesh "${this.definition.name}" has stopped.`)
    this.#stopping.abort(reason)
    this.#signals.abortAll(reason)
  }

  problem(error: Error, where: { call?: string; edge?: string } = {}): void {
    this.problems.push(error)
    const code: MeshErrorCode | string = MeshError.is(error) ? error.code : error.name
    this.journal.record('problem', { code, message: error.message, ...where })
  }

  facts(): Facts {
    return {
      mesh: this.definition.name,
      seed: this.seed,
      chance: this.random.used,
      services: this.serviceNames,
      edges: [...this.#edges.values()].map((edge) => this.#factsOf(edge)),
    }
  }

  #factsOf({ name, caller, callee, options, chain, observed }: EdgeRuntime): EdgeFacts {
    const policies = (['timeoutMs', 'retry', 'circuitBreaker', 'bulkhead', 'fallback'] as const).filter(
      (key) => options[key] !== undefined,
    )
    return {
      name,
      caller,
      callee,
      mode: (options.mode ?? 'sync') satisfies CallMode,
      ownsCircuit: chain.circuit !== undefined,
      observed,
      callerUnderTest: this.#underTest(caller),
      shielded: options.fallback !== undefined || options.mode === 'async',
      policies: [...policies],
    }
  }

  #resolveTarget(target: string): (caller: string, callee: string) => boolean {
    if (typeof target === 'string' && target.includes('->')) {
      this.edge(target)
      return (caller, callee) => edgeName(caller, callee) === target
    }
    this.service(target)
    return (_caller, callee) => callee === target
  }

  #makeDoor(id: string): Door {
    const engine = this
    return {
      id,
      name: this.definition.name,
      clock: this.clock,
      get defaultCaller() {
        return engine.defaultCaller
      },
      get stopped() {
        return engine.stopped
      },
      serviceAt: (url) => this.#byOrigin.get(url.origin),
      originOf: (service) => this.#services.get(service)?.origin,
      services: () => this.serviceNames,
      origins: () => [...this.#byOrigin.keys()],
      onOriginsChange: (listener) => {
        this.#originListeners.add(listener)
        return () => this.#originListeners.delete(listener)
      },
      enter: (incoming) => this.enter(incoming),
      refuses: (caller, callee) => this.chaos.refuses(caller, callee),
      onRefusalChange: (listener) => this.chaos.onChange(listener),
      problem: (error) => this.problem(error),
    }
  }
}

const withTrace = (call: Call, trace: HeaderList): Call => ({
  ...call,
  headers: [...call.headers.filter(([name]) => name !== 'traceparent' && name !== 'tracestate'), ...trace],
})
