import { STATUS_CODES } from 'node:http'
import type { ServerResponse } from 'node:http'
import { isStreamed } from '../call/body.ts'
import type { HeaderList } from '../call/call.ts'
import { localReply } from '../call/reply.ts'
import type { AnsweredReply, FailedReply, Reply } from '../call/reply.ts'
import type { Clock } from '../time/clock.ts'
import { natives } from '../time/natives.ts'
import { turns } from '../time/turns.ts'
import { trickle } from './trickle.ts'
import type { Travel, Wire } from './wire.ts'

/** Turns of the event loop in which a client in this process surely reads what has been written to it. */
const TURNS_TO_READ = 8
/** Milliseconds in which a client in another process has most likely done so. */
const MS_TO_READ = 20

export interface Sending {
  readonly response: ServerResponse
  readonly wire: Wire
  readonly travel?: Travel | undefined
  readonly clock: Clock | undefined
  readonly gone: AbortSignal
}

/** Renders a reply, all that goes before it and how it ends. Rejects for an answer that cannot be sent. */
export async function send(reply: Reply, sending: Sending): Promise<void> {
  const { response, wire, gone } = sending
  switch (reply.outcome) {
    case 'answered':
      if (reply.headMs) await slowHead(reply, reply.headMs, sending)
      if (gone.aborted) return discard(reply, gone.reason)
      if (isStreamed(reply.body)) return stream(reply, reply.body, sending)
      return answer(reply, response)
    case 'refused':
      return wire.refuse()
    case 'reset':
      return wire.reset()
    case 'closed':
    case 'aborted':
      return wire.close()
    case 'hung':
      return
    case 'truncated':
      await sendPart(reply, sending)
      return wire.close()
    case 'reset-mid-body':
      await sendPart(reply, sending)
      return wire.reset()
    case 'garbage':
      if (!wire.raw) return wire.reset()
      await itsTurn(sending)
      wire.raw(reply.bytes ?? notHttp)
      return wire.close()
    case 'malformed':
      // Without chunks there is no framing that could be broken.
      if (!wire.raw || !response.useChunkedEncodingByDefault) return wire.reset()
      await itsTurn(sending)
      await sendPart(reply, sending)
      wire.raw(notChunk)
      return wire.close()
    case 'going-away':
      return wire.goAway ? wire.goAway() : wire.close()
    default:
      return answer(localReply(reply), response)
  }
}

/** No client takes this for the beginning of an answer, nor for the size of a chunk. */
const notHttp = 'this is no HTTP'
const notChunk = 'this is no chunk\r\n'

/** What is written past the framing must not overtake the answers to earlier requests on the connection. */
function itsTurn({ response, gone }: Sending): Promise<void> {
  return new Promise((resolve) => {
    if (response.socket || gone.aborted) return resolve()
    response.once('socket', () => resolve())
    gone.addEventListener('abort', () => resolve(), { once: true })
  })
}

async function slowHead(reply: AnsweredReply, ms: number, sending: Sending): Promise<void> {
  const { response, wire, travel, clock, gone } = sending
  if (!clock) return
  await itsTurn(sending)
  const length = isStreamed(reply.body) ? undefined : (reply.body?.byteLength ?? 0)
  const render = () => writeHead(response, reply.status, reply.statusText, reply.headers, length)
  await trickle(response, render, {
    ms,
    clock,
    gone,
    raw: wire.raw?.bind(wire),
    async sleep(waitMs) {
      await travel?.ends()
      await clock.sleep(waitMs, gone)
      travel?.begins()
    },
  })
}

/** An answer that is whole. */
export function answer(reply: AnsweredReply, response: ServerResponse): void {
  const body = isStreamed(reply.body) ? null : reply.body
  writeHead(response, reply.status, reply.statusText, reply.headers, body?.byteLength ?? 0)
  response.end(body ?? undefined)
}

async function stream(
  reply: AnsweredReply,
  body: ReadableStream<Uint8Array>,
  { response, wire, travel, gone }: Sending,
): Promise<void> {
  const reader = body.getReader()
  const cancel = () => void reader.cancel(gone.reason).catch(() => {})
  gone.addEventListener('abort', cancel, { once: true })
  try {
    writeHead(response, reply.status, reply.statusText, reply.headers)
    response.flushHeaders()
    for (;;) {
      // The next chunk may be a matter of (virtual) time, which must be able to pass.
      await travel?.ends()
      const { done, value } = await reader.read().catch((error: unknown) => {
        throw new BrokenStream(error)
      })
      if (gone.aborted) return
      travel?.begins()
      if (done) return void endWith(reply.trailers?.() ?? [], response)
      if (!response.write(value)) await drained(response)
    }
  } catch (error) {
    if (!(error instanceof BrokenStream)) {
      cancel()
      throw error
    }
    await untilRead(travel)
    if (error.code === 'ECONNRESET') wire.reset()
    else wire.close()
  } finally {
    gone.removeEventListener('abort', cancel)
  }
}

/** Only a chunked body, or one in HTTP/2, can be followed by trailers; after any other Node leaves them out. */
function endWith(trailers: HeaderList, response: ServerResponse): void {
  const joined: Record<string, string> = {}
  for (const [name, value] of trailers) joined[name] = name in joined ? `${joined[name]}, ${value}` : value
  if (trailers.length > 0) response.addTrailers(joined)
  response.end()
}

/** The body of a reply failed half-way: for the client that is a connection which breaks. */
class BrokenStream extends Error {
  readonly code: unknown
  constructor(cause: unknown) {
    super('The body of the reply failed', { cause })
    this.code = (cause as { code?: unknown } | undefined)?.code
  }
}

async function sendPart({ partial }: FailedReply, { response, travel, gone }: Sending): Promise<void> {
  const { status = 200, headers = [], body = new Uint8Array(), declaredLength } = partial ?? {}
  const kept = declaredLength === undefined ? headers.filter(([name]) => name !== 'content-length') : headers
  writeHead(response, status, undefined, kept, declaredLength)
  response.flushHeaders()
  if (body.byteLength > 0)
    await new Promise<void>((resolve) => {
      gone.addEventListener('abort', () => resolve(), { once: true })
      response.write(body, () => resolve())
    })
  // An RST overtakes what the client has not read yet, and `fetch` calls an end that comes with the head a failure of
  // the whole call.
  await untilRead(travel)
}

/** In process a request travels with a ticket; one that does not has come over a socket. */
async function untilRead(travel: Travel | undefined): Promise<void> {
  await turns(TURNS_TO_READ)
  if (!travel) await new Promise((resolve) => natives.setTimeout(resolve, MS_TO_READ))
}

/** Framing is the connection's own matter: lengths are added when they are known, hop-by-hop framing is dropped. */
function writeHead(
  response: ServerResponse,
  status: number,
  statusText: string | undefined,
  headers: HeaderList,
  length?: number,
): void {
  // Its head has trickled in already.
  if (response.headersSent) return
  // Nobody asked for the date, and in virtual time it would be a wrong one.
  response.sendDate = false
  const lines = headers.filter(([name]) => name !== 'transfer-encoding' && name !== 'keep-alive')
  const bodiless = status === 204 || status === 304 || (response.req.method === 'HEAD' && !length)
  if (length !== undefined && !bodiless && !lines.some(([name]) => name === 'content-length'))
    lines.push(['content-length', String(length)])
  response.writeHead(status, statusText || STATUS_CODES[status] || '', lines.flat())
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done)
      response.off('close', done)
      resolve()
    }
    response.on('drain', done)
    response.on('close', done)
  })
}

/** Lets go of what nobody waits for any more. */
export function discard(reply: Reply, reason: unknown): void {
  if (reply.outcome === 'answered') reply.upgrade?.discard()
  if (reply.outcome === 'answered' && isStreamed(reply.body)) reply.body.cancel(reason).catch(() => {})
}
