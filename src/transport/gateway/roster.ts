import type { Key, Mark } from './key.ts'
import { newKey } from './key.ts'

/** A mesh that is registered at a gateway. */
export interface Enrolled {
  readonly key: Key
  /** The name of its definition. */
  readonly mesh: string
  /** The port of its listener for each edge. */
  readonly ports: ReadonlyMap<string, number>
}

export type Route =
  | { readonly state: 'found'; readonly mesh: Enrolled; readonly port: number }
  | { readonly state: 'lost'; readonly why: string; readonly fix: string }

/** Keys of meshes that have left, which are remembered for as long as late requests may come: the latest 10,000. */
const maxDeparted = 10_000

/** The meshes at a gateway, and whose a request is. */
export class Roster {
  readonly #live = new Map<Key, Enrolled>()
  readonly #departed = new Set<Key>()

  get size(): number {
    return this.#live.size
  }

  enrol(mesh: string, ports: ReadonlyMap<string, number>): Enrolled {
    let key = newKey()
    while (this.#live.has(key) || this.#departed.has(key)) key = newKey()
    const enrolled = { key, mesh, ports }
    this.#live.set(key, enrolled)
    return enrolled
  }

  /** Does nothing for a mesh that has left already. */
  remove(key: Key): void {
    if (!this.#live.delete(key)) return
    this.#departed.add(key)
    if (this.#departed.size > maxDeparted) this.#departed.delete(this.#departed.values().next().value!)
  }

  /**
   * What names a mesh goes to that one or nowhere: the late request of a test that has ended must not reach another test. What
   * names none goes to the only mesh there is.
   */
  route(edge: string, { named, traced }: Mark): Route {
    const key = named ?? (traced !== undefined && this.#knows(traced) ? traced : undefined)
    if (key !== undefined) {
      const mesh = this.#live.get(key)
      return mesh ? portOf(mesh, edge) : lost(`the mesh "${key}" that it names is not running (any more)`, afterTheTest)
    }
    if (this.#live.size === 1) return portOf(this.#live.values().next().value!, edge)
    if (this.#live.size === 0) return lost('no mesh is running', startFirst)
    return lost(
      `it names none of the ${this.#live.size} meshes that are running, neither by a member "meshwright" of its \`baggage\` nor by its \`traceparent\``,
      forward(edge),
    )
  }

  #knows(key: Key): boolean {
    return this.#live.has(key) || this.#departed.has(key)
  }
}

function portOf(mesh: Enrolled, edge: string): Route {
  const port = mesh.ports.get(edge)
  if (port !== undefined) return { state: 'found', mesh, port }
  return lost(`the mesh "${mesh.mesh}" has no such edge`, 'Start the gateway with the definition of the tests.')
}

const lost = (why: string, fix: string): Route => ({ state: 'lost', why, fix })

const startFirst = 'Requests find a mesh while a test runs that has started one with this gateway.'
const afterTheTest =
  'A service that works on after the end of a test is waited for with `await mesh.settled()`, or in the test itself.'
const forward = (edge: string) => {
  const caller = edge.split('->', 1)[0]!
  return `Send mesh.headers() along with what the test sends to ${caller}, and let ${caller} forward \`baggage\` or \`traceparent\` from each request to the calls that it makes because of it.`
}
