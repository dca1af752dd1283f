import { STATUS_CODES } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { HeaderList } from '../call/call.ts'
import { failed, localReply } from '../call/reply.ts'
import type { AnsweredReply, Body, FailedReply, Reply } from '../call/reply.ts'
import { turn } from '../time/natives.ts'

/** Turns of the event loop in which a client in this process surely reads what has been written to it. */
const TURNS_TO_READ = 8

/** Carries who asks from the client's side of an in-process connection to the mesh's side; nobody else sees it. */
export const SCOPE_HEADER = 'x-meshwright-scope'

/** How one kind of connection does what a network does. */
export interface Wire {
  /** As if nothing had listened. */
  refuse(): void
  /** RST. */
  reset(): void
  /** FIN, after all that has been written. */
  close(): void
}

/** A request read to its end. */
export interface Received {
  readonly method: string
  readonly path: string
  readonly headers: HeaderList
  readonly body: Uint8Array | null
  /** Aborts when the client goes away. */
  readonly signal: AbortSignal
}

/** Told while bytes travel, so that a virtual clock can stand still meanwhile. */
export interface Travel {
  begins(): void
  /** Resolves when the client had its chance to read. */
  ends(): Promise<void>
}

export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly wire: Wire
  readonly travel?: Travel
  /** Tells a listener of a client that goes away sooner than the response's 'close' would, where that can be known. */
  onAbandoned?(listener: () => void): void
  enter(received: Received): Promise<Reply>
  /** Told what no client can be told: an answer that cannot be sent, a mesh that threw. */
  problem(error: Error): void
}

/** Reads a request, hands it in, and renders the reply. Never rejects. */
export async function exchange({
  request,
  response,
  wire,
  travel,
  onAbandoned,
  enter,
  problem,
}: Exchange): Promise<void> {
  const gone = new AbortController()
  const leave = () => gone.abort(new Error('The client went away'))
  response.once('close', () => {
    if (!response.writableFinished) leave()
  })
  // A client may close on the last byte, in the middle of its delivery: not yet finished, but whole.
  onAbandoned?.(() => {
    if (!response.writableEnded) leave()
  })
  const body = await readBody(request)
  if (body === 'lost') return
  let reply: Reply
  try {
    reply = await enter({
      method: request.method ?? 'GET',
      path: request.url ?? '/',
      headers: receivedHeaders(request),
      body,
      signal: gone.signal,
    })
  } catch (error) {
    problem(asError(error))
    reply = failed('handler-failed', { message: asError(error).message })
  }
  if (gone.signal.aborted) return void discard(reply, gone.signal.reason)
  travel?.begins()
  try {
    await send(reply, { response, wire, travel, gone: gone.signal })
  } catch (error) {
    problem(asError(error))
    if (response.headersSent) wire.close()
    else answer(localReply(failed('handler-failed', { message: asError(error).message })), response)
  }
}

/** The headers in the order and number in which they came. */
function receivedHeaders({ rawHeaders }: IncomingMessage): HeaderList {
  const headers: [string, string][] = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase()
    if (name !== SCOPE_HEADER) headers.push([name, rawHeaders[i + 1]!])
  }
  return headers
}

/** The whole body, null without one, `lost` when the client went away before its end. */
function readBody(request: IncomingMessage): Promise<Uint8Array | null | 'lost'> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.once('end', () => resolve(chunks.length === 0 ? null : new Uint8Array(Buffer.concat(chunks))))
    request.once('error', () => resolve('lost'))
    request.once('close', () => resolve('lost'))
  })
}

interface Sending {
  readonly response: ServerResponse
  readonly wire: Wire
  readonly travel?: Travel | undefined
  readonly gone: AbortSignal
}

async function send(reply: Reply, sending: Sending): Promise<void> {
  const { response, wire } = sending
  switch (reply.outcome) {
    case 'answered':
      if (isStream(reply.body)) return stream(reply, reply.body, sending)
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
    default:
      return answer(localReply(reply), response)
  }
}

function answer(reply: AnsweredReply, response: ServerResponse): void {
  const body = isStream(reply.body) ? null : reply.body
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
      if (done) return void response.end()
      if (!response.write(value)) await drained(response)
    }
  } catch (error) {
    if (!(error instanceof BrokenStream)) {
      cancel()
      throw error
    }
    await turns(TURNS_TO_READ)
    if (error.code === 'ECONNRESET') wire.reset()
    else wire.close()
  } finally {
    gone.removeEventListener('abort', cancel)
  }
}

/** The body of a reply failed half-way: for the client that is a connection which breaks. */
class BrokenStream extends Error {
  readonly code: unknown
  constructor(cause: unknown) {
    super('The body of the reply failed', { cause })
    this.code = (cause as { code?: unknown } | undefined)?.code
  }
}

async function sendPart({ partial }: FailedReply, { response, gone }: Sending): Promise<void> {
  const { status = 200, headers = [], body = new Uint8Array(), declaredLength } = partial ?? {}
  const rest = headers.filter(([name]) => name !== 'content-length')
  writeHead(response, status, undefined, rest, declaredLength)
  response.flushHeaders()
  if (body.byteLength > 0)
    await new Promise<void>((resolve) => {
      gone.addEventListener('abort', () => resolve(), { once: true })
      response.write(body, () => resolve())
    })
  // An RST overtakes what the client has not read yet, and `fetch` calls an end that comes with the head a failure of
  // the whole call.
  await turns(TURNS_TO_READ)
}

/** Framing is the connection's own matter: lengths are added when they are known, hop-by-hop framing is dropped. */
function writeHead(
  response: ServerResponse,
  status: number,
  statusText: string | undefined,
  headers: HeaderList,
  length?: number,
): void {
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

/** Lets the event loop turn, for real. */
export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await turn()
}

function discard(reply: Reply, reason: unknown): void {
  if (reply.outcome === 'answered' && isStream(reply.body)) reply.body.cancel(reason).catch(() => {})
}

/** By shape, because a stream made in a Jest sandbox is of another realm. */
export const isStream = (body: Body): body is ReadableStream<Uint8Array> => body !== null && 'getReader' in body

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error), { cause: error }))
