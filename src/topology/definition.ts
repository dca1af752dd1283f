import { frozenService } from './copy.ts'
import { Topology, type Edge } from './graph.ts'
import type { EdgeName, MergedShape, MeshChanges, MeshDeclaration, MeshShape, ServiceName, ShapeOf } from './names.ts'
import { isPlainObject, unexpected } from './checks.ts'
import type { MeshOptions, ServiceOptions } from './options.ts'
import { meshDefaults, validateMeshOptions } from './validate.ts'

const brand = Symbol.for('meshwright/definition')

/**
 * What the user declared: services, the calls between them, policies, a seed. Immutable; running it is `startMesh`.
 *
 * A definition is also what Playwright's `test.use` takes, literally: `test.use(shop)`. That function reads the own
 * enumerable keys of its argument as fixture options, therefore an instance has exactly one, `mesh$`, which is the
 * definition itself; all else is private or on the prototype.
 *
 * Made by {@link defineMesh}. Recognised with {@link MeshDefinition.is}.
 */
export class MeshDefinition<S extends MeshShape = MeshShape> {
  /** The fixture option that `test.use(definition)` sets. @internal */
  readonly mesh$: MeshDefinition

  readonly #options: MeshOptions
  #graph: Topology | undefined

  /** @internal Use {@link defineMesh}. */
  constructor(options: unknown) {
    validateMeshOptions(options)
    const services = Object.entries(options.services).map(([name, service]) => [name, frozenService(service)] as const)
    this.#options = { ...options, services: Object.freeze(Object.fromEntries(services)) }
    // The names that S knows are lost here on purpose: `test.use` cannot change the types of fixtures.
    this.mesh$ = this as unknown as MeshDefinition
    Object.freeze(this)
  }

  get [brand](): true {
    return true
  }

  /** Recognises definitions of any copy of this package, in any realm; `instanceof` would not. */
  static is(value: unknown): value is MeshDefinition {
    return typeof value === 'object' && value !== null && brand in value
  }

  get name(): string {
    return this.#options.name
  }

  /** The services by name, in the order of their declaration. Frozen, options that were not given are absent. */
  get services(): { readonly [Name in ServiceName<S>]: ServiceOptions } {
    return this.#options.services as { readonly [Name in ServiceName<S>]: ServiceOptions }
  }

  /** The declared calls, caller by caller, in the order of their declaration. */
  get edges(): readonly Edge<EdgeName<S>, ServiceName<S>>[] {
    return this.graph.edges
  }

  /** As declared; a running mesh derives one when there is none. */
  get seed(): number | string | undefined {
    return this.#options.seed
  }

  get undeclaredCalls(): 'fail' | 'allow' {
    return this.#options.undeclaredCalls ?? meshDefaults.undeclaredCalls
  }

  get unhandledRequests(): 'fail' | 'passthrough' {
    return this.#options.unhandledRequests ?? meshDefaults.unhandledRequests
  }

  get unknownHosts(): 'refuse' | 'passthrough' {
    return this.#options.unknownHosts ?? meshDefaults.unknownHosts
  }

  get hopLimit(): number {
    return this.#options.hopLimit ?? meshDefaults.hopLimit
  }

  /** The services and edges as a graph. Built when first asked for. */
  get graph(): Topology<ServiceName<S>, EdgeName<S>> {
    this.#graph ??= new Topology(this.#options.name, this.#options.services)
    // The names at run time are those of S, because both were read from the same options.
    return this.#graph as unknown as Topology<ServiceName<S>, EdgeName<S>>
  }

  /**
   * Derives a definition; this one stays as it is.
   *
   * A new service is added. A service given again keeps the options that are not given; its `calls` are merged by
   * callee, and a callee given again keeps the edge options that are not given. An option given as `undefined` is taken
   * away. The options of the mesh (`name`, `seed`, `hopLimit` ...) are replaced likewise.
   *
   * @example
   * const flaky = shop.with({ seed: 7, services: { payments: { instances: 1 }, sms: {}, emails: { calls: { sms: {} } } } })
   *
   * @throws MeshError as {@link defineMesh}
   */
  with<Calls = {}>(changes: MeshChanges<Calls, keyof S>): MeshDefinition<MergedShape<S, Calls>> {
    const given: unknown = changes
    if (!isPlainObject(given))
      throw unexpected({ owner: `mesh "${this.name}"`, key: '' }, 'a plain object of changes', given)
    const services =
      given['services'] === undefined
        ? this.#options.services
        : mergedServices(this.#options.services, given['services'])
    return new MeshDefinition({ ...this.#options, ...given, services })
  }

  /** The definition as plain data, for reports. Handlers stand as their routes. */
  toJSON(): object {
    const services = Object.entries(this.#options.services).map(([name, { handlers, ...rest }]) => [
      name,
      { ...rest, ...(handlers && { handlers: handlers.map(handlerTitle) }) },
    ])
    return { ...this.#options, services: Object.fromEntries(services) }
  }
}

/** MSW's request handlers keep a title such as `GET /items/:id`; other kinds have a URL. */
function handlerTitle(handler: object): string {
  const { info, url } = handler as { info?: { header?: unknown }; url?: unknown }
  return String(info?.header ?? url ?? 'handler')
}

// Merges whatever is there, also wrong values: the result is validated as a whole, with one set of messages.
function mergedServices(base: unknown, changes: unknown): unknown {
  return merged(base, changes, (service, change) =>
    merged(service, change, (option, given, name) =>
      name === 'calls' ? merged(option, given, (edge, more) => merged(edge, more)) : given,
    ),
  )
}

function merged(
  base: unknown,
  changes: unknown,
  both: (base: unknown, change: unknown, key: string) => unknown = (_, change) => change,
): unknown {
  if (!isPlainObject(base) || !isPlainObject(changes)) return changes
  const all = { ...base }
  for (const [key, change] of Object.entries(changes))
    all[key] = Object.hasOwn(base, key) && change !== undefined ? both(base[key], change, key) : change
  return all
}

/**
 * Declares a mesh: services, the calls each may make, and what the mesh does for those calls.
 *
 * The names become types: `shop.graph.edge('orders->paymnts')` does not compile, nor does a `calls` key that is no service.
 * Input is copied and frozen; MSW handlers are taken as they are.
 *
 * @example
 * const shop = defineMesh({
 *   name: 'shop',
 *   services: {
 *     storefront: { underTest: true, calls: { orders: {} } },
 *     orders: { calls: { payments: { timeoutMs: 2_000, retry: { attempts: 1 } }, emails: { mode: 'async' } } },
 *     payments: { instances: 3 },
 *     emails: {},
 *   },
 * })
 *
 * @throws MeshError for the first mistake, with its place: MESH_INVALID_DEFINITION, MESH_INVALID_OPTION,
 *   MESH_UNKNOWN_SERVICE or MESH_DUPLICATE_URL
 */
export function defineMesh<Calls>(options: MeshDeclaration<Calls>): MeshDefinition<ShapeOf<Calls>> {
  return new MeshDefinition(options)
}
