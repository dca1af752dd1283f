import type { Handler } from '../topology/options.ts'

/** The part of an MSW HTTP handler that the index reads. */
interface HandlerInfo {
  readonly info?: { readonly method?: unknown; readonly path?: unknown; readonly header?: unknown }
}

interface Node {
  readonly children: Map<string, Node>
  param?: Node
  readonly here: number[]
}

const node = (): Node => ({ children: new Map(), here: [] })

// A path of plain segments and whole-segment parameters goes into the tree; everything else that path-to-regexp or MSW
// understands (wildcards, optional or repeated parameters, patterns, regular expressions) is left to MSW to decide.
const plainSegment = /^[^:*?+(){}[\]\\]*$/
const paramSegment = /^:[A-Za-z_]\w*$/

/**
 * Finds the handlers that may take a request without asking each of them: cost grows with the depth of the path, not
 * with the number of handlers. What it returns is a superset in declaration order; MSW has the last word.
 */
export class HandlerIndex {
  readonly #handlers: readonly Handler[]
  readonly #root = node()
  readonly #always: number[] = []

  constructor(handlers: readonly Handler[], origin: string) {
    this.#handlers = handlers
    handlers.forEach((handler, order) => {
      const path = (handler as HandlerInfo).info?.path
      const segments = typeof path === 'string' ? segmentsOf(path, origin) : undefined
      if (!segments) {
        this.#always.push(order)
        return
      }
      let at = this.#root
      for (const segment of segments) {
        if (segment.startsWith(':')) at = at.param ??= node()
        else {
          let child = at.children.get(segment)
          if (!child) at.children.set(segment, (child = node()))
          at = child
        }
      }
      at.here.push(order)
    })
  }

  candidates(method: string, pathname: string): Handler[] {
    const found = [...this.#always]
    const segments = pathname.split('/').filter((segment) => segment !== '')
    const walk = (at: Node | undefined, depth: number): void => {
      if (!at) return
      if (depth === segments.length) {
        found.push(...at.here)
        return
      }
      walk(at.children.get(decode(segments[depth]!)), depth + 1)
      walk(at.param, depth + 1)
    }
    walk(this.#root, 0)
    return found
      .sort((a, b) => a - b)
      .map((order) => this.#handlers[order]!)
      .filter((handler) => takesMethod(handler, method))
  }

  /** `POST /charges`, for each handler: what a message about an unhandled request lists. */
  get routes(): string[] {
    return this.#handlers.map(routeOf)
  }
}

/** `POST /charges`, as written by the handler's author. */
export function routeOf(handler: Handler): string {
  const { info } = handler as HandlerInfo
  if (typeof info?.path === 'string' || info?.path instanceof RegExp) {
    const method = info.method instanceof RegExp ? 'ANY' : String(info.method)
    return `${method} ${String(info.path)}`
  }
  return typeof info?.header === 'string' ? info.header : 'handler'
}

function takesMethod(handler: Handler, method: string): boolean {
  const wanted = (handler as HandlerInfo).info?.method
  if (wanted instanceof RegExp) return wanted.test(method)
  return typeof wanted !== 'string' || wanted.toUpperCase() === method
}

function segmentsOf(path: string, origin: string): string[] | undefined {
  let rest = path
  if (path.startsWith(origin)) rest = path.slice(origin.length)
  else if (!path.startsWith('/')) return undefined
  if (rest.includes('?')) return undefined
  const segments = rest.split('/').filter((segment) => segment !== '')
  return segments.every((segment) => plainSegment.test(segment) || paramSegment.test(segment))
    ? segments.map(decode)
    : undefined
}

/** As it is compared: MSW decodes paths, and takes no notice of case. */
function decode(segment: string): string {
  try {
    return decodeURIComponent(segment).toLowerCase()
  } catch {
    return segment.toLowerCase()
  }
}
