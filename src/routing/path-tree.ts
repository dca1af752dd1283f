interface Node<Value> {
  readonly children: Map<string, Node<Value>>
  param?: Node<Value>
  readonly here: Value[]
}

const node = <Value>(): Node<Value> => ({ children: new Map(), here: [] })

/**
 * Values by path, in which a segment such as `:id` takes any one segment. Finding costs as many steps as the path has segments, however many paths there are. Segments are compared
 * decoded and without regard to case, so what is found is a superset for whoever is stricter.
 */
export class PathTree<Value> {
  readonly #root = node<Value>()

  add(path: string, value: Value): void {
    let at = this.#root
    for (const segment of segmentsOf(path)) {
      if (segment.startsWith(':')) at = at.param ??= node()
      else {
        const key = compared(segment)
        let child = at.children.get(key)
        if (!child) at.children.set(key, (child = node()))
        at = child
      }
    }
    at.here.push(value)
  }

  /** The values of all paths that take this one, in no particular order. */
  find(path: string): Value[] {
    const found: Value[] = []
    const segments = segmentsOf(path)
    const walk = (at: Node<Value> | undefined, depth: number): void => {
      if (!at) return
      if (depth === segments.length) {
        found.push(...at.here)
        return
      }
      walk(at.children.get(compared(segments[depth]!)), depth + 1)
      walk(at.param, depth + 1)
    }
    walk(this.#root, 0)
    return found
  }
}

/** Empty segments do not count, as in MSW. */
export const segmentsOf = (path: string): string[] => path.split('/').filter((segment) => segment !== '')

function compared(segment: string): string {
  try {
    return decodeURIComponent(segment).toLowerCase()
  } catch {
    return segment.toLowerCase()
  }
}
