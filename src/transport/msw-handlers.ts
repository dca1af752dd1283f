import type { RequestHandler } from 'msw'
import type { Door } from '../call/door.ts'
import type { HeaderList } from '../call/call.ts'
import { isNetworkFailure, localReply } from '../call/reply.ts'
import type { FailedReply, NetworkFailure, Reply } from '../call/reply.ts'
import { currentScope } from '../call/scope.ts'
import { answeredResponse, brokenBody, headersOf, isMidBody, networkError } from './fetch-response.ts'
import { SCOPE_HEADER } from './http-exchange.ts'
import { hangUp, parseError } from './wire-errors.ts'

/** As much of MSW as is needed; it is handed in because only the user's own copy will do. */
export interface MswHttp {
  readonly http: {
    all(path: string, resolver: (info: { request: Request }) => Promise<Response>): RequestHandler
  }
}

/**
 * Handlers that answer every request to the hosts of a mesh, to be spread into a user's own `setupServer` or worker.
 *
 * A network failure gives each client the error of a real socket: `fetch` rejects with a `TypeError` whose cause has the code,
 * `http.request` emits the error itself. A body that breaks half-way ends for `http.request` as 'aborted' (ECONNRESET),
 * whatever broke it; MSW keeps the reason to itself, and MSW 3 from `fetch`, too. A call that hangs ends when the client
 * gives up.
 */
export function mswHandlers(door: Door, msw: MswHttp): RequestHandler[] {
  return door.origins().map((origin) => msw.http.all(`${origin}/*`, ({ request }) => answer(door, request)))
}

async function answer(door: Door, request: Request): Promise<Response> {
  const url = new URL(request.url)
  const callee = door.serviceAt(url)
  if (callee === undefined) throw new Error(`The mesh "${door.name}" no longer has ${url.origin}`)
  const scope = currentScope()
  const own = scope?.door.id === door.id ? scope : undefined
  const headers: HeaderList = [...request.headers].filter(([name]) => name !== SCOPE_HEADER)
  const isTraced = request.headers.has('traceparent')
  const bytes = request.body ? new Uint8Array(await request.arrayBuffer()) : undefined
  const reply = await door.enter({
    caller: own?.service ?? door.defaultCaller,
    callee,
    origin: own?.service === undefined ? 'msw' : 'handler',
    method: request.method,
    path: url.pathname + url.search,
    url: request.url,
    headers: isTraced || !own?.trace ? headers : [...headers, ...own.trace()],
    body: bytes?.byteLength ? bytes : null,
    signal: request.signal,
    ...(own?.parent && { parent: own.parent }),
  })
  return render(reply, request)
}

async function render(reply: Reply, request: Request): Promise<Response> {
  if (reply.outcome === 'answered') return answeredResponse(reply, request.method)
  if (!isNetworkFailure(reply)) return answeredResponse(localReply(reply), request.method)
  if (reply.outcome === 'hung') {
    await givenUp(request.signal)
    // Nobody is left to see it; an error would be printed by MSW.
    return new Response(null, { status: 504 })
  }
  if (!isMidBody(reply)) throw thrown(reply, request)
  const { status = 200, headers = [], body = new Uint8Array(), declaredLength } = reply.partial ?? {}
  const sent = headers.filter(([name]) => name !== 'content-length')
  // Without a length, MSW 3 ends the response where the body breaks, and the half passes for the whole.
  const length = declaredLength ?? (isOffTheWire(request) ? body.byteLength + 1 : undefined)
  if (length !== undefined) sent.push(['content-length', String(length)])
  return new Response(
    brokenBody(body, () => networkError(reply, request.url)),
    { status, headers: headersOf(sent) },
  )
}

/**
 * Whether MSW read the request from a connection, where each has a host: what `http.request` sends, and from MSW 3 on what
 * `fetch` sends. The client then makes its own error of what the connection says. MSW 2 puts itself in the place of
 * `fetch`, which rejects with the very error that a handler throws.
 */
const isOffTheWire = (request: Request): boolean => request.headers.has('host')

function thrown(reply: FailedReply & { outcome: NetworkFailure }, request: Request): Error {
  const error = networkError(reply, request.url)
  if (!isOffTheWire(request)) return passedOn(error)
  // undici marks what `fetch` sends; it says of a FIN what `http.request` does not.
  const isFetch = request.headers.has('sec-fetch-mode')
  if ((reply.outcome === 'closed' || reply.outcome === 'going-away') && !isFetch) return hangUp()
  if (reply.outcome === 'garbage' && !isFetch)
    return passedOn(parseError('Expected HTTP/, RTSP/ or ICE/', 'HPE_INVALID_CONSTANT'))
  return passedOn(error.cause as Error)
}

/** MSW passes on an error that has `code` and `errno`, of whatever value; any other becomes an answer with status 500. */
function passedOn(error: Error): Error {
  for (const key of ['code', 'errno'])
    if (!(key in error)) Object.defineProperty(error, key, { value: undefined, configurable: true, writable: true })
  return error
}

const givenUp = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
