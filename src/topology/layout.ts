import { Graph, layout as dagreLayout } from '@dagrejs/dagre'
import type { Drawing } from './drawing.ts'

export interface Point {
  readonly x: number
  readonly y: number
}

export interface Size {
  readonly width: number
  readonly height: number
}

/** Where each thing stands; boxes and labels by their centres. */
export interface Layout extends Size {
  readonly services: readonly (Point & Size)[]
  readonly edges: readonly { readonly points: readonly Point[]; readonly label: Point & Size }[]
}

// dagre's declarations import without file endings, which this module resolution does not follow; hence these.
interface DagreGraph {
  setGraph(label: object): void
  setNode(id: string, label: Size): void
  setEdge(from: string, to: string, label: Size & { labelpos: 'c' }): void
  graph(): Partial<Size>
  node(id: string): Point & Size
  edge(from: string, to: string): Size & Partial<Point> & { points: Point[] }
}

/** Places services of the given sizes and edge labels of the given sizes in layers, by dagre. */
export function layout(
  { direction, services, edges }: Drawing,
  serviceSizes: readonly Size[],
  labelSizes: readonly Size[],
): Layout {
  const graph: DagreGraph = new Graph({ directed: true })
  graph.setGraph({ rankdir: direction, nodesep: 36, ranksep: 52, edgesep: 22, marginx: 20, marginy: 20 })
  // Positions as ids: dagre keeps nodes in plain objects, which names such as `constructor` confuse.
  const ids = new Map(services.map(({ name }, index) => [name, String(index)]))
  const id = (name: string) => ids.get(name)!
  services.forEach((_, index) => graph.setNode(String(index), { ...serviceSizes[index]! }))
  edges.forEach(({ caller, callee }, index) =>
    graph.setEdge(id(caller), id(callee), { ...labelSizes[index]!, labelpos: 'c' }),
  )
  dagreLayout(graph)
  // An empty graph has sizes of minus infinity.
  const extent = (length: number | undefined) =>
    length !== undefined && Number.isFinite(length) ? Math.max(length, 40) : 40
  const { width, height } = graph.graph()
  return {
    width: extent(width),
    height: extent(height),
    services: services.map(({ name }) => graph.node(id(name))),
    edges: edges.map(({ caller, callee }) => {
      const { points, x = 0, y = 0, width, height } = graph.edge(id(caller), id(callee))
      return { points, label: { x, y, width, height } }
    }),
  }
}
