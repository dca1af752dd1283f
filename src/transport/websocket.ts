import { ServerResponse } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { HeaderList } from '../call/call.ts'
import { header } from '../call/call.ts'
import { failed } from '../call/reply.ts'
import type { AnsweredReply, Reply } from '../call/reply.ts'
import type { Upgrade } from '../call/socket.ts'
import type { Clock } from '../time/clock.ts'
import { receivedHeaders } from './http-exchange.ts'
import { send } from './http-answer.ts'
import type { Received } from './http-exchange.ts'
import type { Travel, Wire } from './wire.ts'
import { peerOf } from './websocket-peer.ts'

/** A request to become a WebSocket, with the connection that it came on, which nobody else reads any more. */
export interface Handshake {
  readonly request: IncomingMessage
  readonly socket: Duplex
  /** What came after the request already. */
  readonly head: Buffer
  readonly wire: Wire
  readonly travel?: Travel
  readonly clock: Clock | undefined
  enter(received: Received): Promise<Reply>
  /** Told what no client can be told. */
  problem(error: Error): void
}

/** No client speaks before it was answered; what comes all the same is kept up to here. */
const earlyLimit = 64 * 1024

/** Said by the answer to every handshake, and not by the service. */
const ownHeaders = /^(connection|upgrade|content-length|transfer-encoding|sec-websocket-)/

/**
 * Takes a handshake through the mesh as the request that it is, and opens the WebSocket if the reply says so (101). Any other
 * reply is rendered as to any request: a client sees a refusal, a reset, a status as it would of a real server. What is no
 * handshake at all is answered with 400 or 405. Never rejects.
 */
export async function shakeHands(handshake: Handshake): Promise<void> {
  const { request, socket, travel, enter, problem } = handshake
  const gone = new AbortController()
  const leave = () => gone.abort(new Error('The client went away'))
  const early: Buffer[] = [handshake.head]
  let earlyBytes = handshake.head.byteLength
  const keep = (chunk: Buffer) => {
    early.push(chunk)
    earlyBytes += chunk.byteLength
    if (earlyBytes > earlyLimit) socket.destroy()
  }
  // Reading is how one hears that the other side has left.
  socket.on('error', leave)
  socket.once('close', leave)
  socket.once('end', leave)
  socket.on('data', keep)
  const letGo = () => {
    socket.off('data', keep)
    socket.off('end', leave)
    socket.pause()
  }
  try {
    const { WebSocketServer } = await import('ws')
    if (!isHandshake(request)) {
      letGo()
      // It knows best what is wrong, and says so.
      new WebSocketServer({ noServer: true }).handleUpgrade(request, socket, Buffer.concat(early), () =>
        socket.destroy(),
      )
      return
    }
    const reply = await enter({
      method: 'GET',
      path: request.url ?? '/',
      headers: receivedHeaders(request),
      body: null,
      upgrade: 'websocket',
      signal: gone.signal,
    })
    const upgrade = reply.outcome === 'answered' && reply.status === 101 ? reply.upgrade : undefined
    if (gone.signal.aborted) return upgrade?.discard()
    travel?.begins()
    if (!upgrade) return await refuse(reply, handshake, gone.signal)
    letGo()
    const options = serverOptions((reply as AnsweredReply).headers)
    open(new WebSocketServer(options), {
      handshake,
      head: Buffer.concat(early),
      upgrade,
      reply: reply as AnsweredReply,
    })
    await travel?.ends()
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown))
    problem(error)
    if (!socket.destroyed)
      await refuse(failed('handler-failed', { message: error.message }), handshake, gone.signal).catch(() => {
        socket.destroy()
      })
  }
}

/** As RFC 6455, section 4.2.1, has it. */
function isHandshake({ method, headers }: IncomingMessage): boolean {
  const { upgrade, 'sec-websocket-key': key, 'sec-websocket-version': version } = headers
  return (
    method === 'GET' &&
    upgrade?.toLowerCase() === 'websocket' &&
    /^[+/0-9A-Za-z]{22}==$/.test(key ?? '') &&
    (version === '13' || version === '8')
  )
}

function serverOptions(headers: HeaderList) {
  const protocol = header(headers, 'sec-websocket-protocol')
  return {
    noServer: true,
    clientTracking: false,
    // Compression is negotiated for each connection on its own; here it would only cost.
    perMessageDeflate: false,
    handleProtocols: (offered: Set<string>) => (protocol !== undefined && offered.has(protocol) ? protocol : false),
  } as const
}

interface Opening {
  readonly handshake: Handshake
  readonly head: Buffer
  readonly upgrade: Upgrade
  readonly reply: AnsweredReply
}

function open(
  server: InstanceType<typeof import('ws').WebSocketServer>,
  { handshake: { request, socket, wire }, head, upgrade, reply }: Opening,
): void {
  let isOpen = false
  server.on('headers', (lines) => {
    for (const [name, value] of reply.headers) if (!ownHeaders.test(name)) lines.push(`${name}: ${value}`)
  })
  server.handleUpgrade(request, socket, head, (ws) => {
    isOpen = true
    upgrade.open(peerOf(ws, () => wire.reset()))
    // Paused while the mesh made up its mind.
    socket.resume()
  })
  // The client left in this very moment.
  if (!isOpen) upgrade.discard()
}

/** An answer that is none of a WebSocket, and the end of the connection. */
async function refuse(reply: Reply, { request, socket, wire, travel, clock }: Handshake, gone: AbortSignal) {
  const response = new ServerResponse(request)
  response.shouldKeepAlive = false
  response.assignSocket(socket as Socket)
  response.once('finish', () => {
    response.detachSocket(socket as Socket)
    wire.close()
  })
  await send(reply, { response, wire, travel, clock, gone })
}
