import type { Subject } from '../journal/subject.ts'
import type { DrawnStatus } from '../topology/drawing.ts'

export interface Standing {
  readonly services: { readonly [service: string]: DrawnStatus }
  readonly edges: { readonly [edge: string]: DrawnStatus }
}

/** What is asked of a mesh to tell how it stands. With its graph, names that the graph does not have are left out. */
export interface Stood extends Pick<Subject, 'journal' | 'facts'> {
  readonly graph?: { hasService(name: string): boolean; hasEdge(name: string): boolean }
}

/**
 * How services and edges stand according to the journal, as colours for a picture of the graph. An edge shows its
 * circuit where it has one that ever moved, else whether its calls failed; a service shows how the calls to it ended.
 */
export function standing({ journal, facts, graph }: Stood): Standing {
  const services: Record<string, DrawnStatus> = {}
  const edges: Record<string, DrawnStatus> = {}
  for (const { name, callee, shielded } of facts().edges) {
    const attempts = journal.where({ type: 'attempt.ended', edge: name })
    if (attempts.length === 0) continue
    const failures = attempts.filter(({ outcome, status = 0 }) => outcome !== 'answered' || status >= 500).length
    const circuit = journal.where({ type: 'circuit.changed', edge: name }).at(-1)?.to
    // An edge that calls opened without a declaration is not in the graph, and a drawing takes no name that is not.
    if (graph?.hasEdge(name) ?? true) {
      if (circuit) edges[name] = circuit === 'isolated' ? 'open' : circuit
      else if (failures) edges[name] = shielded ? 'shielded' : failures === attempts.length ? 'failed' : 'degraded'
      else edges[name] = 'ok'
    }
    if (!(graph?.hasService(callee) ?? true)) continue
    const own: DrawnStatus = failures === 0 ? 'ok' : failures === attempts.length ? 'failed' : 'degraded'
    const before = services[callee]
    services[callee] = before === undefined || before === own ? own : 'degraded'
  }
  return { services, edges }
}
