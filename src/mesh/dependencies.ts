import type { CallMode } from '../call/call.ts'
import type { Topology } from '../topology/graph.ts'

export interface Dependency {
  readonly callee: string
  readonly mode: CallMode
}

/** What each service calls by declaration, read from a topology once: a call must not cost more the more edges there are. */
export class Dependencies {
  readonly #byCaller = new Map<string, Dependency[]>()
  #readFrom: Topology | undefined

  /** In the order of declaration. */
  of(service: string, topology: Topology): readonly Dependency[] {
    if (topology !== this.#readFrom) this.#read(topology)
    return this.#byCaller.get(service) ?? []
  }

  #read(topology: Topology): void {
    this.#readFrom = topology
    this.#byCaller.clear()
    for (const { caller, callee, options } of topology.edges) {
      const dependency = { callee, mode: options.mode ?? 'sync' }
      const others = this.#byCaller.get(caller)
      if (others) others.push(dependency)
      else this.#byCaller.set(caller, [dependency])
    }
  }
}
