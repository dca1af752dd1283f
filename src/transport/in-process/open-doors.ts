import type { Door, Incoming } from '../../call/door.ts'
import type { HeaderList, Origin } from '../../call/call.ts'
import { currentScope } from '../../call/scope.ts'
import type { Scope } from '../../call/scope.ts'

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
    const owners = this.#open.filter(({ door }) => door.serviceAt(url) !== undefined)
    // One that has stopped and is about to close still keeps what was just sent to it from the network.
    return owners.findLast(({ door }) => !door.stopped) ?? owners.at(-1)
  }

  /** The clock of the mesh that the running code belongs to. */
  clock(url: URL): Door['clock'] | undefined {
    return this.#entryFor(url, scopeWith(url))?.door.clock
  }

  /**
   * Where a request made right now stands. It belongs to the innermost running scope whose mesh has that host, else to
   * the mesh opened last that has it. Undefined when no mesh has it, or when the scope's mesh has stopped: what an ended
   * test left running must not show up in the next one.
   */
  placeFor(url: URL): Place | undefined {
    const scope = scopeWith(url)
    const entry = this.#entryFor(url, scope)
    const callee = entry?.door.serviceAt(url)
    if (!entry || callee === undefined) return undefined
    const { door } = entry
    const world = entry.worldOf()
    const trace = scope?.trace && { trace: scope.trace }
    if (scope?.service === undefined)
      return { door, caller: door.defaultCaller, callee, origin: 'in-process', world, ...trace }
    const { service: caller, parent } = scope
    return { door, caller, callee, origin: 'handler', world, ...(parent && { parent }), ...trace }
  }

  #entryFor(url: URL, scope: Scope | undefined): OpenDoor | undefined {
    if (!scope) return this.#latest(url)
    return scope.door.stopped ? undefined : this.#open.find(({ door }) => door.id === scope.door.id)
  }
}

/** The innermost scope whose mesh has this host. */
function scopeWith(url: URL): Scope | undefined {
  let scope = currentScope()
  while (scope && scope.door.serviceAt(url) === undefined) scope = scope.outer
  return scope
}
