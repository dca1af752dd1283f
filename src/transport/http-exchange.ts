import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Body, HeaderList } from '../call/call.ts'
import { LightSignal } from '../call/light-signal.ts'
import { answered, failed, localReply } from '../call/reply.ts'
import type { AnsweredReply, Reply } from '../call/reply.ts'
import type { Clock } from '../time/clock.ts'
import { answer, discard, send } from './http-answer.ts'
import { announcesBody, bodyLimitBytes, readBody, uploadOf } from './request-body.ts'
import type { Travel, Wire } from './wire.ts'

const tooLargeReply = (): AnsweredReply =>
  answered(413, {
    text: `The mesh keeps bodies of requests up to ${bodyLimitBytes} bytes; this one is larger`,
    headers: [['x-mesh-outcome', 'body-too-large']],
  })

/** Carries who asks from the client's side of an in-process connection to the mesh's side; nobody else sees it. */
export const SCOPE_HEADER = 'x-meshwright-scope'

/** A request, read to its end unless it is streamed. */
export interface Received {
  readonly method: string
  readonly path: string
  readonly headers: HeaderList
  readonly body: Body
  /** Set when the request is the handshake of a WebSocket, which can be opened. */
  readonly upgrade?: 'websocket'
  /** Aborts when the client goes away. */
  readonly signal: AbortSignal
}

export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly wire: Wire
  readonly travel?: Travel
  /** The mesh's, for heads that trickle. Undefined: there is no mesh. */
  readonly clock: Clock | undefined
  /** Hands the request in as soon as its headers are there, and its body as a stream (`door.streams`). Default false. */
  readonly streams?: boolean
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
  clock,
  streams = false,
  onAbandoned,
  enter,
  problem,
}: Exchange): Promise<void> {
  const gone = new LightSignal()
  const leave = () => gone.abort(new Error('The client went away'))
  response.once('close', () => {
    if (!response.writableFinished) leave()
  })
  // A client may close on the last byte, in the middle of its delivery: not yet finished, but whole.
  onAbandoned?.(() => {
    if (!response.writableEnded) leave()
  })
  const upload = streams && announcesBody(request) ? uploadOf(request) : undefined
  const body = upload ? upload.stream : announcesBody(request) ? await readBody(request) : null
  if (body === 'lost') return
  if (body === 'too-large') return answer(tooLargeReply(), response)
  if (upload) response.once('finish', upload.answered)
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
    await send(reply, { response, wire, travel, clock, gone: gone.signal })
  } catch (error) {
    problem(asError(error))
    if (response.headersSent) wire.close()
    else answer(localReply(failed('handler-failed', { message: asError(error).message })), response)
  }
}

/** The headers in the order and number in which they came. */
export function receivedHeaders({ rawHeaders }: IncomingMessage): HeaderList {
  const headers: [string, string][] = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase()
    if (name !== SCOPE_HEADER) headers.push([name, rawHeaders[i + 1]!])
  }
  return headers
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error), { cause: error }))
