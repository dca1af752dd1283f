import type { RequestHandler } from 'msw'
import type { Door } from '../call/door.ts'
import type { HeaderList } from '../call/call.ts'
import { isNetworkFailure, localReply } from '../call/reply.ts'
import type { NetworkFailure, Reply } from '../call/reply.ts'
import { currentScope } from '../call/scope.ts'
import { answeredResponse, brokenBody, headersOf, isMidBody } from './fetch-response.ts'
import { SCOPE_HEADER } from './http-exchange.ts'
import { connectRefused, hangUp, portOf, readReset } from './wire-errors.ts'

/** As much of MSW as is needed; it is handed in because only the user's own copy will do. */
export interface MswHttp {
  readonly http: {
    all(path: string, resolver: (info: { request: Request }) => Promise<Response>): RequestHandler
  }
}

/**
 * Handlers that answer every request to the hosts of a mesh, to be spread into a user's own `setupServer` or worker.
 *
 * A network failure becomes an error with `code` and `errno`, which MSW in Node passes on: `http.request` then gives the
 * error of a real socket. With MSW 2, `fetch` rejects with that very error instead of a `TypeError` that has it as its cause
 * (MSW's own way); in a browser it is a plain network error. A call that hangs ends when the client gives up.
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
  const error = errorOf(reply.outcome, request.url)
  if (!isMidBody(reply)) throw error
  const { status = 200, headers = [], body = new Uint8Array(), declaredLength } = reply.partial ?? {}
  const sent = headers.filter(([name]) => name !== 'content-length')
  if (declaredLength !== undefined) sent.push(['content-length', String(declaredLength)])
  return new Response(
    brokenBody(body, () => error),
    { status, headers: headersOf(sent) },
  )
}

function errorOf(outcome: NetworkFailure, url: string): Error {
  if (outcome === 'refused') return connectRefused(portOf(url))
  return outcome === 'closed' || outcome === 'truncated' ? hangUp() : readReset()
}

const givenUp = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
