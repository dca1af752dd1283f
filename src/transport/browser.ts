import type { BrowserContextLike, BrowserPage, BrowserRequest, BrowserRoute } from '../call/browser-context.ts'
import { header } from '../call/call.ts'
import type { Door } from '../call/door.ts'
import type { Reply } from '../call/reply.ts'
import { fulfilment, preflight } from './browser-reply.ts'
import type { Fulfilment } from './browser-reply.ts'
import { followed, redirectDocument } from './browser-redirect.ts'
import type { Sent } from './browser-redirect.ts'

/**
 * Lets the pages of a browser context reach the mesh: requests to the mesh's own origins, and no others, become calls of
 * the service under test. Returns the undo. Routes of the test's own go before it, those of a page in any case, those of
 * the context when they were added later.
 *
 * What a route cannot do, and what happens instead:
 * - Answers arrive whole. An event stream (`text/event-stream`) is handed over when it ends, pauses for half a second, or has
 *   run for two; its `EventSource` then connects again, as after any lost connection. A failure in the middle of a body
 *   fails the whole request.
 * - Redirects to the mesh's own origins are followed here, because a browser sends what follows a redirect past all routes:
 *   `response.url` stays the first address. A navigation goes on by a document that leads to the new address.
 * - Preflights are answered for the service, and a cross-origin page may read every answer, unless the handler sets
 *   `Access-Control-Allow-Origin` itself.
 * - The contents of files in a `FormData` are not shown to routes. What a service worker answers itself is no request; what
 *   it asks for is seen in Chromium only: elsewhere, `test.use({ serviceWorkers: 'block' })`.
 */
export async function attachBrowser(door: Door, context: BrowserContextLike): Promise<() => Promise<void>> {
  const patterns: RegExp[] = []
  const routed = new Set<string>()
  const underWay = new Map<unknown, AbortController>()
  const handling = new Set<Promise<void>>()

  const onFailed = (request: unknown) => underWay.get(request)?.abort(new Error('The page went away'))
  const onClose = () => underWay.forEach((controller) => controller.abort(new Error('The browser context was closed')))
  context.on('requestfailed', onFailed)
  context.on('close', onClose)

  const handle = (route: BrowserRoute): Promise<void> => {
    const handled = answer(route).finally(() => handling.delete(handled))
    handling.add(handled)
    return handled
  }

  const answer = async (route: BrowserRoute): Promise<void> => {
    const request = route.request()
    if (door.stopped || door.serviceAt(new URL(request.url())) === undefined) return settle(route.fallback())
    const gone = new AbortController()
    underWay.set(request, gone)
    // A page that is closed does not tell of the requests that it takes with it.
    const page = pageOf(request)
    const onPageClose = () => onFailed(request)
    page?.on('close', onPageClose)
    try {
      // A handler that does not watch its signal must keep neither the page nor the end of the test waiting.
      const given = await Promise.race([answerTo(door, route, gone.signal), closedOn(gone.signal)])
      await settle('abort' in given ? route.abort(given.abort) : route.fulfill(given))
    } catch (error) {
      // Whoever routes gets no exception back: the test learns of it as of any other mistake.
      if (!gone.signal.aborted) door.problem(error instanceof Error ? error : new Error(String(error)))
      await settle(route.abort('failed')).catch(() => {})
    } finally {
      underWay.delete(request)
      page?.off('close', onPageClose)
    }
  }

  const routeNew = async () => {
    const fresh = door.origins().filter((origin) => !routed.has(origin))
    if (fresh.length === 0) return
    for (const origin of fresh) routed.add(origin)
    const pattern = patternOf(fresh)
    patterns.push(pattern)
    await settle(context.route(pattern, handle))
  }
  const unwatch = door.onOriginsChange(() => void routeNew())
  await routeNew()

  return async () => {
    unwatch()
    context.off('requestfailed', onFailed)
    context.off('close', onClose)
    underWay.forEach((controller) => controller.abort(new Error('The mesh left the browser context')))
    // Requests that are still paused when the last route goes are let through to the network.
    await Promise.allSettled(handling)
    for (const pattern of patterns) await settle(context.unroute(pattern, handle))
  }
}

async function answerTo(door: Door, route: BrowserRoute, signal: AbortSignal): Promise<Fulfilment | { abort: string }> {
  const request = route.request()
  const url = new URL(request.url())
  const headers = (await request.headersArray()).map(({ name, value }) => [name.toLowerCase(), value] as const)
  const origin = header(headers, 'origin')
  const crossOrigin = origin === undefined || origin === url.origin ? undefined : origin
  // Chromium keeps preflights to itself; where a browser shows them, they are its own affair and no call.
  if (request.method() === 'OPTIONS' && header(headers, 'access-control-request-method') !== undefined)
    return preflight(headers)

  const body = request.postDataBuffer()
  const first: Sent = { method: request.method(), url, headers, body: body && new Uint8Array(body) }
  const enter = ({ url: to, ...sent }: Sent): Promise<Reply> =>
    door.enter({
      ...sent,
      caller: door.defaultCaller,
      callee: door.serviceAt(to)!,
      origin: 'browser',
      path: to.pathname + to.search,
      url: to.href,
      signal,
    })
  const isOurs = (to: URL) => door.serviceAt(to) !== undefined
  const { reply, step } = await followed(first, { enter, isOurs, pauseAtGet: request.isNavigationRequest() })
  if (step && reply.outcome === 'answered') return redirectDocument(step.url, reply.headers)
  return fulfilment(reply, { method: request.method(), crossOrigin, signal, clock: door.clock })
}

const closedOn = (signal: AbortSignal) =>
  new Promise<{ abort: string }>((resolve) =>
    signal.addEventListener('abort', () => resolve({ abort: 'connectionclosed' }), { once: true }),
  )

function pageOf(request: BrowserRequest): BrowserPage | undefined {
  try {
    return request.frame().page()
  } catch {
    return undefined
  }
}

function patternOf(origins: readonly string[]): RegExp {
  const escaped = origins.map((origin) => origin.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^(?:${escaped.join('|')})(?:[/?#]|$)`)
}

/** A page or context that is closed while an answer is under way is nothing to report: nobody is left to read it. */
async function settle(done: Promise<unknown>): Promise<void> {
  try {
    await done
  } catch (error) {
    if (!/closed|disposed|already handled|detached/i.test((error as Error).message)) throw error
  }
}
