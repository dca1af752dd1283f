import type { Handler } from '../topology/options.ts'
import { segmentsOf } from './path-tree.ts'

/** What MSW's HTTP handlers have had in all supported versions. `finalize` came with 2.15. */
interface Resolving {
  readonly info: { readonly path: string }
  readonly resolver: (info: object) => unknown
  readonly options?: { readonly once?: boolean }
  isUsed: boolean
  wrapResolver(resolver: (info: object) => unknown): (info: object) => Promise<Response | undefined>
  scheduleCleanup?(requestId: string, callback: () => unknown): void
  runScheduledCleanups?(requestId: string): Promise<void>
}

export interface DirectRequest {
  /** Unique among the requests that this handler answers at the same time. */
  readonly id: string
  readonly pathname: string
  readonly request: Request
  /** The value of the Cookie header, if there is one. */
  readonly cookie: string | undefined
}

/**
 * Runs the resolver of an MSW handler for a request that is known to match it, just as MSW would, generators, `once`
 * and `finalize` included, but without what MSW does for requests that it has intercepted: a copy of the request for its
 * log, a regular expression made for each match, a cookie store that outlives the test. `undefined` means that MSW has to
 * decide: the handler is of another kind, or whether its path matches is not plain to see.
 */
export function directRun(handler: Handler, request: DirectRequest): Promise<Response | undefined> | undefined {
  if (!isResolving(handler)) return undefined
  const params = paramsOf(handler.info.path, request.pathname)
  return params && run(handler, request, params)
}

async function run(
  handler: Resolving,
  { id, request, cookie }: DirectRequest,
  params: Record<string, string>,
): Promise<Response | undefined> {
  if (handler.isUsed && handler.options?.once) return undefined
  handler.isUsed = true
  const info = {
    params,
    cookies: cookiesOf(cookie),
    get finalize() {
      const { signal } = request
      const cleanUp = () => void handler.runScheduledCleanups?.(id)
      signal.addEventListener('abort', cleanUp, { once: true })
      return (callback: () => unknown) => {
        handler.scheduleCleanup?.(id, callback)
        if (signal.aborted) cleanUp()
      }
    },
    requestId: id,
    request,
  }
  try {
    return await handler.wrapResolver(handler.resolver)(info)
  } catch (thrown) {
    // A resolver may throw its answer.
    if (typeof (thrown as Response | undefined)?.headers?.get === 'function') return thrown as Response
    throw thrown
  }
}

function isResolving(handler: object): handler is Resolving {
  const { info, resolver, wrapResolver, constructor } = handler as Partial<Resolving>
  return (
    // A subclass may decide otherwise what it takes.
    constructor?.name === 'HttpHandler' &&
    typeof info?.path === 'string' &&
    typeof resolver === 'function' &&
    typeof wrapResolver === 'function'
  )
}

/** The parameters of a plain path; undefined when only MSW can tell whether it matches. */
function paramsOf(path: string, pathname: string): Record<string, string> | undefined {
  if (!path.startsWith('/') || pathname.includes('//') || path.includes('//')) return undefined
  const wanted = segmentsOf(path)
  const given = segmentsOf(pathname)
  if (wanted.length !== given.length) return undefined
  const params: Record<string, string> = {}
  for (let i = 0; i < wanted.length; i++) {
    const segment = wanted[i]!
    const actual = given[i]!
    if (segment.startsWith(':')) {
      if (!plainParam.test(segment) || actual.includes('%')) return undefined
      params[segment.slice(1)] = actual
    } else if (!plainText.test(segment) || segment !== actual) return undefined
  }
  return params
}

const plainParam = /^:[A-Za-z_]\w*$/
const plainText = /^[\w\-.~]+$/

/** A value in quotes loses them, one that cannot be decoded stays as it is, and the first of a name counts. */
function cookiesOf(line: string | undefined): Record<string, string> {
  const cookies: Record<string, string> = {}
  for (const pair of line?.split(';') ?? []) {
    const equals = pair.indexOf('=')
    if (equals === -1) continue
    const name = pair.slice(0, equals).trim()
    if (Object.hasOwn(cookies, name)) continue
    const value = pair.slice(equals + 1).trim()
    cookies[name] = decoded(value.startsWith('"') ? value.slice(1, -1) : value)
  }
  return cookies
}

function decoded(value: string): string {
  if (!value.includes('%')) return value
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}
