import type { Door } from '../call/door.ts'
import type { BrowserContextLike, BrowserRoute } from '../call/browser-context.ts'
import type { HeaderList } from '../call/call.ts'
import { localReply } from '../call/reply.ts'
import type { AnsweredReply, FailureOutcome, Reply } from '../call/reply.ts'

/** What a page sees of each network failure: the error codes that `route.abort` takes, `net::ERR_...` in Chromium. */
const abortCodes: Partial<Record<FailureOutcome, string>> = {
  refused: 'connectionrefused',
  reset: 'connectionreset',
  closed: 'connectionclosed',
  // A route is answered whole or not at all, so the part that came before the break is lost.
  'reset-mid-body': 'connectionreset',
  truncated: 'connectionclosed',
  hung: 'timedout',
  aborted: 'aborted',
}

/**
 * Lets the pages of a browser context reach the mesh: requests to the mesh's own origins, and no others, become calls of
 * the service under test. Returns the undo.
 *
 * Answers are whole: a page gets no stream through a route. A cross-origin page may read the answers unless the handler
 * has set its own CORS headers.
 */
export async function attachBrowser(door: Door, context: BrowserContextLike): Promise<() => Promise<void>> {
  const routed = new Map<string, RegExp>()
  const underWay = new Map<unknown, AbortController>()

  const onFailed = (request: unknown) => underWay.get(request)?.abort()
  const onClose = () => underWay.forEach((controller) => controller.abort())
  context.on('requestfailed', onFailed)
  context.on('close', onClose)

  const handle = async (route: BrowserRoute): Promise<void> => {
    const request = route.request()
    const url = new URL(request.url())
    const callee = door.serviceAt(url)
    if (callee === undefined || door.stopped) return route.fallback()
    const gone = new AbortController()
    underWay.set(request, gone)
    try {
      const headers = (await request.headersArray()).map(({ name, value }) => [name.toLowerCase(), value] as const)
      const header = (wanted: string) => headers.find(([name]) => name === wanted)?.[1]
      const origin = header('origin')
      if (request.method() === 'OPTIONS' && header('access-control-request-method') !== undefined) {
        // Preflights are the browser's own affair; the mesh sees what the page sends.
        await settle(route.fulfill({ status: 204, headers: corsHeaders(origin ?? '*', header), body: Buffer.alloc(0) }))
        return
      }
      const body = request.postDataBuffer()
      const reply = await door.enter({
        caller: door.defaultCaller,
        callee,
        origin: 'browser',
        method: request.method(),
        path: url.pathname + url.search,
        url: request.url(),
        headers,
        body: body && new Uint8Array(body),
        signal: gone.signal,
      })
      await settle(render(route, reply, origin !== undefined && origin !== url.origin ? origin : undefined))
    } finally {
      underWay.delete(request)
    }
  }

  const routeAll = async () => {
    for (const origin of door.origins()) {
      if (routed.has(origin)) continue
      const pattern = patternOf(origin)
      routed.set(origin, pattern)
      await settle(context.route(pattern, handle))
    }
  }
  const unwatch = door.onOriginsChange(() => void routeAll())
  await routeAll()

  return async () => {
    unwatch()
    context.off('requestfailed', onFailed)
    context.off('close', onClose)
    onClose()
    for (const pattern of routed.values()) await settle(context.unroute(pattern, handle))
  }
}

async function render(route: BrowserRoute, reply: Reply, crossOrigin: string | undefined): Promise<void> {
  if (reply.outcome !== 'answered') {
    const code = abortCodes[reply.outcome]
    if (code !== undefined) return route.abort(code)
    return render(route, localReply(reply), crossOrigin)
  }
  const headers = headersFor(reply, crossOrigin)
  const bytes =
    reply.body instanceof ReadableStream ? new Uint8Array(await new Response(reply.body).arrayBuffer()) : reply.body
  return route.fulfill({ status: reply.status, headers, body: Buffer.from(bytes ?? []) })
}

function headersFor({ headers }: AnsweredReply, crossOrigin: string | undefined): Record<string, string> {
  const record: Record<string, string> = {}
  // Playwright takes several cookies as lines of one value; other repeated headers are a list.
  for (const [name, value] of headers as HeaderList) {
    if (name === 'content-length' || name === 'transfer-encoding' || name === 'content-encoding') continue
    record[name] = name in record ? `${record[name]}${name === 'set-cookie' ? '\n' : ', '}${value}` : value
  }
  if (crossOrigin !== undefined && record['access-control-allow-origin'] === undefined)
    Object.assign(record, corsHeaders(crossOrigin))
  return record
}

const corsHeaders = (
  origin: string,
  requested: (name: string) => string | undefined = () => undefined,
): Record<string, string> => ({
  'access-control-allow-origin': origin,
  'access-control-allow-credentials': 'true',
  'access-control-expose-headers': 'x-mesh-outcome, retry-after, location, etag',
  'access-control-allow-methods': requested('access-control-request-method') ?? 'GET, POST, PUT, PATCH, DELETE',
  ...(requested('access-control-request-headers') && {
    'access-control-allow-headers': requested('access-control-request-headers')!,
  }),
  vary: 'Origin',
})

function patternOf(origin: string): RegExp {
  return new RegExp(`^${origin.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?:[/?#]|$)`)
}

/** A page or context that is closed while an answer is under way is nothing to report: nobody is left to read it. */
async function settle(done: Promise<unknown>): Promise<void> {
  try {
    await done
  } catch (error) {
    if (!/closed|disposed|already handled|detached/i.test((error as Error).message)) throw error
  }
}
