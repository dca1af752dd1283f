import type { HeaderList } from '../call/call.ts'
import { header, withHeader } from '../call/call.ts'
import type { Reply } from '../call/reply.ts'
import { MeshError } from '../errors.ts'
import type { Fulfilment } from './browser-reply.ts'

/** A request on its way through redirects. */
export interface Sent {
  readonly method: string
  readonly url: URL
  readonly headers: HeaderList
  readonly body: Uint8Array | null
}

interface Way {
  readonly enter: (sent: Sent) => Promise<Reply>
  /** Whether the address is one of the mesh: others are left to the browser. */
  readonly isOurs: (url: URL) => boolean
  /** Stop at a redirect that goes on with GET, as `step`: a document can lead the browser there. */
  readonly pauseAtGet: boolean
}

/** As many as the Fetch standard allows (HTTP-redirect fetch, step 4). */
const redirectLimit = 20

/**
 * Sends a request, and on to where it is redirected, as long as that is in the mesh. Playwright's routes do not see requests
 * that follow a redirect, and the mesh's hosts exist nowhere else.
 *
 * @throws MeshError MESH_LIMIT after 20 redirects.
 */
export async function followed(
  first: Sent,
  { enter, isOurs, pauseAtGet }: Way,
): Promise<{ reply: Reply; step?: Sent }> {
  let sent = first
  let cookies: HeaderList = []
  for (let count = 0; count <= redirectLimit; count++) {
    const reply = await enter(sent)
    const step = nextStep(sent, reply)
    if (!step || reply.outcome !== 'answered') return { reply: withCookies(reply, cookies) }
    if (!isOurs(step.url)) {
      // The browser resolves the address itself, but against the first one.
      const headers = withHeader(reply.headers, 'location', step.url.href)
      return { reply: withCookies({ ...reply, headers }, cookies) }
    }
    if (pauseAtGet && step.method === 'GET') return { reply: withCookies(reply, cookies), step }
    // The browser takes the cookies of the answer for those of the first address.
    if (sent.url.host === first.url.host) cookies = [...cookies, ...setCookies(reply.headers)]
    sent = step
  }
  throw new MeshError(
    'MESH_LIMIT',
    `${first.method} ${first.url.href} was redirected more than ${redirectLimit} times.`,
    {
      fix: 'Let one of the handlers on the way answer.',
    },
  )
}

const redirects = new Set([301, 302, 303, 307, 308])

/** Where a redirect leads, and with what, after the Fetch standard. */
function nextStep({ method, url, headers, body }: Sent, reply: Reply): Sent | undefined {
  if (reply.outcome !== 'answered' || !redirects.has(reply.status)) return undefined
  const location = header(reply.headers, 'location')
  if (location === undefined || !URL.canParse(location, url.href)) return undefined
  const target = new URL(location, url.href)
  if (target.protocol !== 'http:' && target.protocol !== 'https:') return undefined
  const becomesGet =
    (reply.status === 303 && method !== 'HEAD') || (reply.status <= 302 && method === 'POST') || method === 'GET'
  const isSame = target.origin === url.origin
  const kept = headers.filter(([name]) => {
    if (becomesGet && method !== 'GET' && name.startsWith('content-')) return false
    return isSame || (name !== 'authorization' && name !== 'cookie')
  })
  const cookie = isSame ? cookieAfter(header(kept, 'cookie'), reply.headers) : undefined
  return {
    method: becomesGet ? 'GET' : method,
    url: target,
    headers: cookie === undefined ? kept : withHeader(kept, 'cookie', cookie),
    body: becomesGet ? null : body,
  }
}

const setCookies = (headers: HeaderList): HeaderList => headers.filter(([name]) => name === 'set-cookie')

/** The Cookie header with what the answer has set; attributes such as Path and Max-Age are the browser's business. */
function cookieAfter(cookie: string | undefined, headers: HeaderList): string | undefined {
  const pairs = new Map((cookie ?? '').split(/;\s*/).filter(Boolean).map(pairOf))
  for (const [, value] of setCookies(headers)) pairs.set(...pairOf(value.split(';', 1)[0]!))
  return pairs.size === 0 ? undefined : [...pairs].map(([name, value]) => `${name}=${value}`).join('; ')
}

function pairOf(text: string): [name: string, value: string] {
  const at = text.indexOf('=')
  return at === -1 ? ['', text.trim()] : [text.slice(0, at).trim(), text.slice(at + 1).trim()]
}

function withCookies(reply: Reply, cookies: HeaderList): Reply {
  return reply.outcome === 'answered' && cookies.length > 0
    ? { ...reply, headers: [...reply.headers, ...cookies] }
    : reply
}

/** Leads a navigation to another address: the browser asks for that one anew, so that the route sees it. */
export function redirectDocument({ href }: URL, headers: HeaderList): Fulfilment {
  const inScript = JSON.stringify(href).replaceAll('<', '\\u003c')
  const inAttribute = href.replaceAll('&', '&amp;').replaceAll('"', '&quot;')
  const cookies = setCookies(headers).map(([, value]) => value)
  return {
    status: 200,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      ...(cookies.length > 0 && { 'set-cookie': cookies.join('\n') }),
    },
    body: Buffer.from(
      `<!doctype html><script>location.replace(${inScript})</script>` +
        `<noscript><meta http-equiv="refresh" content="0;url=${inAttribute}"></noscript>`,
    ),
  }
}
