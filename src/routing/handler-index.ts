import type { Handler } from '../topology/options.ts'
import { PathTree, segmentsOf } from './path-tree.ts'

/** The part of an MSW HTTP handler that the index reads. */
interface HandlerInfo {
  readonly info?: { readonly method?: unknown; readonly path?: unknown; readonly header?: unknown }
}

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
  readonly #tree = new PathTree<number>()
  readonly #always: number[] = []

  constructor(handlers: readonly Handler[], origin: string) {
    this.#handlers = handlers
    handlers.forEach((handler, order) => {
      const path = (handler as HandlerInfo).info?.path
      const plain = typeof path === 'string' ? plainPath(path, origin) : undefined
      if (plain === undefined) this.#always.push(order)
      else this.#tree.add(plain, order)
    })
  }

  candidates(method: string, pathname: string): Handler[] {
    const found = this.#tree.find(pathname)
    if (this.#always.length > 0) found.push(...this.#always)
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

/** The path of a handler that the tree can hold, else undefined. */
function plainPath(path: string, origin: string): string | undefined {
  let rest = path
  if (path.startsWith(origin)) rest = path.slice(origin.length)
  else if (!path.startsWith('/')) return undefined
  if (rest.includes('?')) return undefined
  const isPlain = segmentsOf(rest).every((segment) => plainSegment.test(segment) || paramSegment.test(segment))
  return isPlain ? rest : undefined
}
