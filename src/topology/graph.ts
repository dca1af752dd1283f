import { alg, Graph } from '@dagrejs/graphlib'
import { edgeName } from '../call/call.ts'
import { MeshError } from '../errors.ts'
import { edgeAdded, edgeRemoved, serviceAdded, serviceRemoved, type Services } from './changes.ts'
import { toDot } from './dot.ts'
import { drawing, type DrawingOptions } from './drawing.ts'
import { toMermaid } from './mermaid.ts'
import type { EdgeOptions, ServiceOptions } from './options.ts'
import { reachable, simpleWalks } from './walks.ts'
import { toSvg } from './svg.ts'
import { unknownEdge, unknownService } from './unknown.ts'

export { unknownEdge, unknownService }

/** A declared call: what policies, faults and circuits belong to. */
export interface Edge<Name extends string = string, Service extends string = string> {
  /** `orders->payments` */
  readonly name: Name
  readonly caller: Service
  readonly callee: Service
  readonly options: EdgeOptions
}

/** Who notices that a service fails. Both lists are in the order of declaration, without the failing service itself. */
export interface BlastRadius<Service extends string = string> {
  /** Services whose own calls fail, because they call the failing service, or an affected one, without protection. */
  readonly affected: Service[]
  /** Services that call a failing or affected one, but over a fallback or an asynchronous edge; here the failure ends. */
  readonly shielded: Service[]
}

interface LimitOption {
  /** Results after which the search is given up with an error. Default 1 000: their number can grow exponentially. */
  limit?: number
}

const defaultLimit = 1_000

/**
 * Services and edges as a graph: an edge points from the caller to the callee, its dependency. Immutable; the `with...`
 * methods give changed copies. Lists are in the order of declaration unless they say otherwise.
 *
 * Methods throw MESH_UNKNOWN_SERVICE or MESH_UNKNOWN_EDGE for names that are not there.
 */
export class Topology<Service extends string = string, Name extends string = string> {
  readonly #mesh: string
  readonly #options: Services
  readonly #services: readonly Service[]
  readonly #edges: ReadonlyMap<string, Edge<Name, Service>>
  /** Nodes are positions in `#services`: graphlib keeps nodes in plain objects, which names such as `constructor` confuse. */
  readonly #graph: Graph
  #components: readonly (readonly number[])[] | undefined

  /** @internal Ask a definition or a mesh for its `graph`. The services are taken as valid. */
  constructor(mesh: string, services: Services) {
    this.#mesh = mesh
    this.#options = services
    // The names are those of the services by construction.
    this.#services = Object.freeze(Object.keys(services)) as readonly Service[]
    const edges = Object.entries(services).flatMap(([caller, { calls = {} }]) =>
      Object.entries(calls).map(([callee, options]) =>
        Object.freeze({ name: edgeName(caller, callee), caller, callee, options }),
      ),
    ) as unknown as Edge<Name, Service>[]
    this.#edges = new Map(edges.map((edge) => [edge.name, edge]))
    this.#graph = new Graph({ directed: true })
    this.#services.forEach((_, index) => this.#graph.setNode(String(index)))
    for (const { caller, callee } of edges)
      this.#graph.setEdge(String(this.#position(caller)), String(this.#position(callee)))
  }

  get services(): readonly Service[] {
    return this.#services
  }

  get edges(): readonly Edge<Name, Service>[] {
    return [...this.#edges.values()]
  }

  /** The options of a service. */
  service(name: Service): ServiceOptions {
    this.#position(name)
    return this.#options[name]!
  }

  edge(name: Name): Edge<Name, Service> {
    const edge = this.#edges.get(name)
    if (!edge) throw unknownEdge(name, this.#mesh, [...this.#edges.keys()], this.#services)
    return edge
  }

  hasService(name: string): name is Service {
    return Object.hasOwn(this.#options, name)
  }

  hasEdge(name: string): name is Name {
    return this.#edges.has(name)
  }

  /**
   * Whether a failure of the callee stays hidden from the caller: the edge is asynchronous, or has a fallback that is in
   * force. The mesh applies no policies for a caller under test unless it has a `sidecar`.
   */
  shields(name: Name): boolean {
    const { caller, options } = this.edge(name)
    const { underTest = false, sidecar = false } = this.#options[caller]!
    return options.mode === 'async' || (options.fallback !== undefined && (!underTest || sidecar))
  }

  /** All services, dependencies first. Where calls form a cycle, its members stand together, as they were declared. */
  order(): Service[] {
    return this.#stronglyConnected().flatMap((component) => component.map((index) => this.#services[index]!))
  }

  /**
   * The elementary cycles: ways along edges that return to their start and pass no service twice. Each begins with its
   * first-declared member and does not repeat it at the end; a service that calls itself is `[service]`.
   *
   * @throws MeshError MESH_LIMIT when there are more than `limit`
   */
  cycles({ limit = defaultLimit }: LimitOption = {}): Service[][] {
    const found: Service[][] = []
    const components = this.#stronglyConnected()
    for (const start of this.#services.keys()) {
      const members = components.find((component) => component.includes(start))!
      // Cycles with an earlier member were found from there.
      const later = new Set(members.filter((index) => index >= start))
      for (const walk of simpleWalks(this.#successors, this.#predecessors, start, start, later)) {
        if (found.length >= limit) throw this.#limitReached('cycles', limit)
        found.push(walk.slice(0, -1).map((index) => this.#services[index]!))
      }
    }
    return found
  }

  /**
   * All ways from one service to another along the edges that pass no service twice. From a service to itself there is one,
   * `[service]`; for ways that return see {@link cycles}.
   *
   * @throws MeshError MESH_LIMIT when there are more than `limit`
   */
  paths(from: Service, to: Service, { limit = defaultLimit }: LimitOption = {}): Service[][] {
    const [start, end] = [this.#position(from), this.#position(to)]
    if (start === end) return [[from]]
    const found: Service[][] = []
    for (const walk of simpleWalks(this.#successors, this.#predecessors, start, end)) {
      if (found.length >= limit) throw this.#limitReached('paths', limit)
      found.push(walk.map((index) => this.#services[index]!))
    }
    return found
  }

  /** Whom a service needs: its callees, theirs, and so on. Not itself, even in a cycle. */
  dependencies(service: Service): Service[] {
    return this.#others(reachable(this.#successors, this.#position(service)), service)
  }

  /** Who needs a service: its callers, theirs, and so on. Not itself, even in a cycle. */
  dependents(service: Service): Service[] {
    return this.#others(reachable(this.#predecessors, this.#position(service)), service)
  }

  /** Who notices when a service fails, and where the failure ends. See {@link shields} for what protects a caller. */
  blastRadius(service: Service): BlastRadius<Service> {
    const exposed = (index: number) => this.#predecessors(index).filter((caller) => !this.#isShielded(caller, index))
    const affected = reachable(exposed, this.#position(service))
    const shielded = new Set([...affected].flatMap(this.#predecessors).filter((caller) => !affected.has(caller)))
    return { affected: this.#others(affected, service), shielded: this.#others(shielded, service) }
  }

  /** With a service added, or its options (its calls included) replaced. */
  withService<Added extends string>(
    name: Added,
    options: ServiceOptions = {},
  ): Topology<Service | Added, Name | `${Added}->${Service | Added}`> {
    return new Topology(this.#mesh, serviceAdded(this.#mesh, this.#options, name, options))
  }

  /** Without a service and all edges from and to it. */
  withoutService<Removed extends Service>(name: Removed): Topology<Exclude<Service, Removed>, Name> {
    this.#position(name)
    return new Topology(this.#mesh, serviceRemoved(this.#options, name))
  }

  /** With an edge added, or its options replaced. */
  withEdge<Caller extends Service, Callee extends Service>(
    caller: Caller,
    callee: Callee,
    options: EdgeOptions = {},
  ): Topology<Service, Name | `${Caller}->${Callee}`> {
    this.#position(caller)
    this.#position(callee)
    return new Topology(this.#mesh, edgeAdded(this.#options, caller, callee, options))
  }

  withoutEdge<Removed extends Name>(name: Removed): Topology<Service, Exclude<Name, Removed>> {
    const { caller, callee } = this.edge(name)
    return new Topology(this.#mesh, edgeRemoved(this.#options, caller, callee))
  }

  /** A Mermaid flowchart: https://mermaid.js.org/syntax/flowchart.html */
  toMermaid(options?: DrawingOptions<Service, Name>): string {
    return toMermaid(this.#drawing(options))
  }

  /** A digraph for Graphviz: https://graphviz.org/doc/info/lang.html */
  toDot(options?: DrawingOptions<Service, Name>): string {
    return toDot(this.#drawing(options))
  }

  /** A drawing that stands alone, as SVG text. */
  toSvg(options?: DrawingOptions<Service, Name>): string {
    return toSvg(this.#drawing(options))
  }

  #drawing(options: DrawingOptions = {}) {
    for (const name of Object.keys(options.services ?? {})) this.#position(name as Service)
    for (const name of Object.keys(options.edges ?? {})) this.edge(name as Name)
    return drawing(this.#mesh, this.#options, this.edges, options)
  }

  #position(name: Service): number {
    const index = this.#services.indexOf(name)
    if (index < 0) throw unknownService(name, this.#mesh, this.#services)
    return index
  }

  readonly #successors = (index: number): number[] => (this.#graph.successors(String(index)) ?? []).map(Number)
  readonly #predecessors = (index: number): number[] => (this.#graph.predecessors(String(index)) ?? []).map(Number)

  #isShielded(caller: number, callee: number): boolean {
    return this.shields(edgeName(this.#services[caller]!, this.#services[callee]!) as Name)
  }

  #others(found: ReadonlySet<number>, self: Service): Service[] {
    return this.#services.filter((name, index) => found.has(index) && name !== self)
  }

  /** Tarjan's algorithm emits a component after all that it can reach, hence dependencies first. */
  #stronglyConnected(): readonly (readonly number[])[] {
    this.#components ??= alg.tarjan(this.#graph).map((component) => component.map(Number).sort((a, b) => a - b))
    return this.#components
  }

  #limitReached(what: 'cycles' | 'paths', limit: number): MeshError {
    return new MeshError(
      'MESH_LIMIT',
      `Mesh "${this.#mesh}" has more than ${limit} ${what}, the \`limit\` of ${what}().`,
      {
        fix: `Ask for more: { limit: ${limit * 10} }.`,
      },
    )
  }
}
