import type { Door, Incoming } from '../../call/door.ts'
import type { HeaderList, Origin } from '../../call/call.ts'
import { currentScope } from '../../call/scope.ts'

/** A virtual time that may be running around a request. While a hold is out its clock stands still. */
export interface World {
  hold(kind: string): () => void
}

export interface InProcessOptions {
  /** The world that the running code is in, if it is in one. Default: none. */
  worldOf?: () => World | undefined
}

/** Who asks, and whom: all that the headers of a request do not say. */
export interface Place {
  readonly door: Door
  readonly caller: string
  readonly callee: string
  readonly origin: Origin
  readonly parent?: Incoming['parent']
  readonly trace?: () => HeaderList
  readonly world?: World | undefined
}

interface OpenDoor {
  readonly door: Door
  readonly worldOf: () => World | undefined
}

/** The meshes whose hosts are answered in this process, in the order in which they were opened. */
export class OpenDoors {
  readonly #open: OpenDoor[] = []

  add(door: Door, worldOf: () => World | undefined): () => void {
    const entry = { door, worldOf }
    this.#open.push(entry)
    return () => void this.#open.splice(this.#open.indexOf(entry), 1)
  }

  get size(): number {
    return this.#open.length
  }

  has(door: Door): boolean {
    return !door.stopped && this.#open.some((entry) => entry.door.id === door.id)
  }

  /** Whether any open mesh has this host. */
  owns(url: URL): boolean {
    return this.#latest(url) !== undefined
  }

  #latest(url: URL): OpenDoor | undefined {
    return this.#open.findLast(({ door }) => !door.stopped && door.serviceAt(url) !== undefined)
  }

  /** The clock of the mesh that the running code belongs to. */
  clock(url: URL): Door['clock'] | undefined {
    return this.#entryFor(url)?.door.clock
  }

  /**
   * Where a request made right now stands. It belongs to the mesh of the running scope if that has the host, else to the
   * mesh opened last that has it. Undefined when no mesh has it, or when the scope's mesh has stopped: what an ended test
   * left running must not show up in the next one.
   */
  placeFor(url: URL): Place | undefined {
    const entry = this.#entryFor(url)
    const callee = entry?.door.serviceAt(url)
    if (!entry || callee === undefined) return undefined
    const { door } = entry
    const world = entry.worldOf()
    const scope = currentScope()
    if (scope?.service === undefined || scope.door.id !== door.id)
      return { door, caller: door.defaultCaller, callee, origin: 'in-process', world, ...traceOf(scope, door) }
    return {
      door,
      caller: scope.service,
      callee,
      origin: 'handler',
      world,
      ...(scope.parent && { parent: scope.parent }),
      ...traceOf(scope, door),
    }
  }

  #entryFor(url: URL): OpenDoor | undefined {
    const scope = currentScope()
    if (scope?.door.stopped) return undefined
    const own = scope && this.#open.find(({ door }) => door.id === scope.door.id)
    return own && own.door.serviceAt(url) !== undefined ? own : this.#latest(url)
  }
}

const traceOf = (scope: ReturnType<typeof currentScope>, door: Door): Pick<Place, 'trace'> =>
  scope?.trace && scope.door.id === door.id ? { trace: scope.trace } : {}
