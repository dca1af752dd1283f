import { edgeName } from '../call/call.ts'
import type { Listener } from './ports.ts'

type Listen = (edge: { caller: string; callee: string; port?: number }) => Promise<Listener>

interface Address {
  readonly caller: string
  readonly callee: string
  readonly opening: Promise<Listener>
  /** What it takes the place of, and what stays if it does not open. */
  before: Address | undefined
  /** Set once it is open. */
  listener?: Listener | undefined
}

/** The loopback addresses of a mesh: at most one for each edge, however often and at what moment it is asked for. */
export class Addresses {
  readonly #listen: Listen
  readonly #byEdge = new Map<string, Address>()
  readonly #closing = new Set<Promise<void>>()

  constructor(listen: Listen) {
    this.#listen = listen
  }

  /** The URL of an edge whose address is open. */
  find(edge: string): string | undefined {
    return this.#byEdge.get(edge)?.listener?.url
  }

  /** Callees and URLs of what this caller can reach. */
  of(caller: string): { callee: string; url: string }[] {
    return [...this.#byEdge.values()].flatMap(({ listener, ...edge }) =>
      edge.caller === caller && listener ? [{ callee: edge.callee, url: listener.url }] : [],
    )
  }

  /** The address of an edge, opened if there is none yet, or none on this port. */
  async open(caller: string, callee: string, port?: number): Promise<string> {
    const edge = edgeName(caller, callee)
    const before = this.#byEdge.get(edge)
    const address: Address = { caller, callee, opening: this.#next(before, caller, callee, port), before }
    this.#byEdge.set(edge, address)
    try {
      address.listener = await address.opening
      address.before = undefined
      return address.listener.url
    } catch (error) {
      address.listener = await standing(before)
      if (!address.listener && this.#byEdge.get(edge) === address) this.#byEdge.delete(edge)
      throw error
    }
  }

  /** Closes the addresses of edges that are there no more; `closeAll` waits until they are closed. */
  closeWithout(exists: (edge: string, caller: string) => boolean): void {
    for (const [edge, address] of this.#byEdge) {
      if (exists(edge, address.caller)) continue
      this.#byEdge.delete(edge)
      const closed = close(address).finally(() => this.#closing.delete(closed))
      this.#closing.add(closed)
    }
  }

  async closeAll(): Promise<void> {
    this.closeWithout(() => false)
    await Promise.all(this.#closing)
  }

  /** One after the other, so that nobody who asks meanwhile opens a second one. */
  async #next(before: Address | undefined, caller: string, callee: string, port?: number): Promise<Listener> {
    const known = await standing(before)
    if (known && (!port || known.port === port)) return known
    const next = await this.#listen({ caller, callee, ...(port !== undefined && { port }) })
    // Not before: a port that is taken leaves the address as it was.
    await known?.close()
    return next
  }
}

async function standing(address: Address | undefined): Promise<Listener | undefined> {
  return address?.opening.catch(() => standing(address.before))
}

async function close(address: Address): Promise<void> {
  const listener = await standing(address)
  await listener?.close()
}
