import { edgeName } from '../call/call.ts'
import type { Recorder } from '../journal/journal.ts'
import type { EdgeFacts } from '../journal/subject.ts'
import type { MeshDefinition } from '../topology/definition.ts'
import type { Topology } from '../topology/graph.ts'
import type { EdgeOptions, ServiceOptions } from '../topology/options.ts'
import { unknownEdge, unknownService } from '../topology/unknown.ts'
import type { Chain, Kept } from './chain.ts'
import { Dependencies } from './dependencies.ts'
import type { Dependency } from './dependencies.ts'
import type { ServiceRuntime } from './service-runtime.ts'

/** An edge as it runs. */
export interface EdgeRuntime {
  readonly name: string
  readonly caller: string
  readonly callee: string
  options: EdgeOptions
  chain: Chain
  /** Calls so far; the next one's draws are keyed with the number after this. */
  calls: number
  /** Whether a breaker of the code under test is observed on this edge. */
  observed: boolean
  /** Whether a real address that leads along it was told to anybody. */
  addressed: boolean
}

/** All that the chain of an edge depends on. */
export interface ChainOrder {
  readonly caller: string
  readonly callee: string
  readonly options: EdgeOptions
  /** Whether the caller is the code under test, and whether it has a sidecar that applies its policies all the same. */
  readonly underTest: boolean
  readonly sidecar: boolean
  readonly kept: Kept
}

/** What brings services and edges to life; the engine's business. */
export interface Makers {
  service(name: string, options: ServiceOptions): ServiceRuntime
  chain(order: ChainOrder): Chain
}

/** The services and edges of a running mesh, by name and by address, and how they change while it runs. */
export class Fabric {
  topology: Topology
  readonly #mesh: string
  readonly #record: Recorder['record']
  readonly #make: Makers
  readonly #services = new Map<string, ServiceRuntime>()
  readonly #edges = new Map<string, EdgeRuntime>()
  /** Services that were removed keep their address: nothing sent there may leave the machine. */
  readonly #byOrigin = new Map<string, string>()
  readonly #originListeners = new Set<() => void>()
  readonly #lossListeners = new Set<() => void>()
  readonly #dependencies = new Dependencies()

  constructor(definition: MeshDefinition, record: Recorder['record'], make: Makers) {
    this.#mesh = definition.name
    this.topology = definition.graph
    this.#record = record
    this.#make = make
    const services = Object.entries(definition.services)
    for (const [name, options] of services) this.#bringUp(name, options)
    // Only now is it known of every caller whether it is under test.
    for (const [name, options] of services) this.#openEdges(name, options)
  }

  // ---- what is there

  get services(): string[] {
    return [...this.#services.keys()]
  }

  findService(name: string): ServiceRuntime | undefined {
    return this.#services.get(name)
  }

  /** Throws MESH_UNKNOWN_SERVICE. */
  service(name: string): ServiceRuntime {
    const service = this.#services.get(name)
    if (!service) throw unknownService(name, this.#mesh, this.services)
    return service
  }

  findEdge(name: string): EdgeRuntime | undefined {
    return this.#edges.get(name)
  }

  /** Throws MESH_UNKNOWN_EDGE. */
  edge(name: string): EdgeRuntime {
    const edge = this.#edges.get(name)
    if (!edge) throw unknownEdge(name, this.#mesh, [...this.#edges.keys()], this.services)
    return edge
  }

  /** Whether a service speaks bytes instead of HTTP. */
  carriesBytes(service: string): boolean {
    return this.#services.get(service)?.options.tcp === true
  }

  /** What a service calls by declaration, in that order. */
  dependenciesOf(service: string): readonly Dependency[] {
    return this.#dependencies.of(service, this.topology)
  }

  /** The service that code outside any handler speaks as: the first one under test. */
  get defaultCaller(): string {
    for (const [name, { options }] of this.#services) if (options.underTest) return name
    return 'test'
  }

  /** A caller that is no service of the mesh is the test itself. */
  isUnderTest(service: string): boolean {
    const runtime = this.#services.get(service)
    return runtime ? runtime.options.underTest === true : true
  }

  /** Whether the mesh applies the policies of this caller's edges: code under test has its own, unless it has a sidecar. */
  appliesPolicies(service: string): boolean {
    return !this.isUnderTest(service) || this.#services.get(service)?.options.sidecar === true
  }

  serviceAt(url: URL): string | undefined {
    return this.#byOrigin.get(url.origin)
  }

  /** Whether a service of this name was there and was removed. */
  wasRemoved(name: string): boolean {
    return !this.#services.has(name) && [...this.#byOrigin.values()].includes(name)
  }

  get origins(): string[] {
    return [...this.#byOrigin.keys()]
  }

  onOriginsChange(listener: () => void): () => void {
    this.#originListeners.add(listener)
    return () => this.#originListeners.delete(listener)
  }

  /** Called when edges were taken away, with a service or alone; returns the undo. */
  onLoss(listener: () => void): () => void {
    this.#lossListeners.add(listener)
    return () => this.#lossListeners.delete(listener)
  }

  /** Which edges a fault's target means: those to a service, or one. Throws for a name that is neither. */
  edgesMeantBy(target: string): (caller: string, callee: string) => boolean {
    if (typeof target === 'string' && target.includes('->')) {
      this.edge(target)
      return (caller, callee) => edgeName(caller, callee) === target
    }
    this.service(target)
    return (_caller, callee) => callee === target
  }

  facts(): EdgeFacts[] {
    return [...this.#edges.values()].map(({ name, caller, callee, options, chain, observed, addressed }) => ({
      name,
      caller,
      callee,
      mode: options.mode ?? 'sync',
      ownsCircuit: chain.circuit !== undefined,
      observed,
      ...(this.carriesBytes(callee) && { carriesBytes: true }),
      ...(addressed && { addressed }),
      callerUnderTest: this.isUnderTest(caller),
      shielded: options.fallback !== undefined || options.mode === 'async',
      policies: (['timeoutMs', 'retry', 'circuitBreaker', 'bulkhead', 'fallback'] as const).filter(
        (key) => options[key] !== undefined,
      ),
    }))
  }

  // ---- changes

  addService(name: string, options: ServiceOptions): void {
    this.topology = this.topology.withService(name, options)
    this.#bringUp(name, options)
    this.#openEdges(name, options)
    this.#record('topology.changed', { change: 'service-added', service: name })
    this.#originsChanged()
  }

  removeService(name: string): void {
    this.service(name)
    this.topology = this.topology.withoutService(name)
    this.#services.delete(name)
    for (const edge of [...this.#edges.values()])
      if (edge.caller === name || edge.callee === name) this.#edges.delete(edge.name)
    this.#record('topology.changed', { change: 'service-removed', service: name })
    this.#originsChanged()
    this.#lost()
  }

  /** Adds an edge, or gives one that is there these options. */
  addEdge(caller: string, callee: string, options: EdgeOptions): void {
    this.service(caller)
    this.service(callee)
    this.topology = this.topology.withEdge(caller, callee, options)
    const known = this.#edges.get(edgeName(caller, callee))
    if (known) this.#reconfigure(known, options)
    else this.openEdge(caller, callee, options)
    this.#record('topology.changed', {
      change: known ? 'policy-changed' : 'edge-added',
      edge: edgeName(caller, callee),
      options: { ...options },
    })
  }

  removeEdge(name: string): void {
    this.edge(name)
    this.topology = this.topology.withoutEdge(name)
    this.#edges.delete(name)
    this.#record('topology.changed', { change: 'edge-removed', edge: name })
    this.#lost()
  }

  /** Changes some options of an edge; those not named stay. */
  configureEdge(name: string, options: EdgeOptions): void {
    const edge = this.edge(name)
    this.addEdge(edge.caller, edge.callee, { ...edge.options, ...options })
  }

  /** Makes an edge usable; it stands in the topology already, or undeclared calls are allowed. */
  openEdge(caller: string, callee: string, options: EdgeOptions): EdgeRuntime {
    const name = edgeName(caller, callee)
    const chain = this.#chain(caller, callee, options)
    const edge: EdgeRuntime = { name, caller, callee, options, chain, calls: 0, observed: false, addressed: false }
    this.#edges.set(name, edge)
    return edge
  }

  #originsChanged(): void {
    for (const listener of this.#originListeners) listener()
  }

  #lost(): void {
    // Each leaves while it is told.
    for (const listener of [...this.#lossListeners]) listener()
  }

  #bringUp(name: string, options: ServiceOptions): void {
    const runtime = this.#make.service(name, options)
    this.#services.set(name, runtime)
    this.#byOrigin.set(runtime.origin, name)
  }

  #openEdges(caller: string, { calls = {} }: ServiceOptions): void {
    for (const [callee, options] of Object.entries(calls)) this.openEdge(caller, callee, options)
  }

  #reconfigure(edge: EdgeRuntime, options: EdgeOptions): void {
    // An open circuit stays open, and calls in flight keep their places, when something else changes.
    const isSame = (key: 'circuitBreaker' | 'bulkhead') =>
      JSON.stringify(edge.options[key]) === JSON.stringify(options[key])
    const { circuit, bulkhead } = edge.chain
    const kept = { ...(isSame('circuitBreaker') && { circuit }), ...(isSame('bulkhead') && { bulkhead }) }
    edge.options = options
    edge.chain = this.#chain(edge.caller, edge.callee, options, kept)
  }

  #chain(caller: string, callee: string, options: EdgeOptions, kept: Kept = {}): Chain {
    const sidecar = this.#services.get(caller)?.options.sidecar === true
    return this.#make.chain({ caller, callee, options, underTest: this.isUnderTest(caller), sidecar, kept })
  }
}
