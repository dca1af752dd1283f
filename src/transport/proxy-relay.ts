import http from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import https from 'node:https'
import net from 'node:net'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { turns } from '../time/turns.ts'
import { connectable, namedBy } from './proxy-target.ts'
import type { Named } from './proxy-target.ts'
import { reset as resetSocket } from './reset.ts'

/** Turns of the event loop in which a client in this process surely reads what has been written to it. */
const turnsToRead = 8

// What a proxy does for hosts that are not of the mesh: it passes bytes on, and how a connection ends.

/** Headers between a client and its proxy, which are nobody else's business. */
export const isForProxy = (name: string): boolean => /^proxy-(connection|authorization|authenticate)$/i.test(name)

/** An RST, if the stream is a connection of its own and not inside of TLS. */
export function reset(stream: Duplex): void {
  if ('resetAndDestroy' in stream && !('encrypted' in stream)) resetSocket(stream as Socket)
  else stream.destroy()
}

/** An RST, when the client had its chance to read what came before. */
const breakOff = (stream: Duplex): void => void turns(turnsToRead).then(() => reset(stream))

/** Joins two connections: what one side sends, ends or resets, the other one gets. */
function join(one: Duplex, other: Duplex): void {
  const follow = (from: Duplex, to: Duplex) => {
    let isReset = false
    from.pipe(to)
    from.once('error', () => (isReset = true))
    from.once('close', () => {
      if (isReset) breakOff(to)
      else if (to.writableFinished) to.destroy()
      else to.end(() => to.destroy())
    })
  }
  follow(one, other)
  follow(other, one)
}

export interface Tunnel {
  readonly client: Duplex
  /** Bytes that came together with the request. */
  readonly head: Buffer
  readonly to: Named
  /** What goes first to the server (a request that is passed on), or to the client (that it is connected). */
  readonly greet: { readonly server?: Buffer; readonly client?: string }
  /** Told why there is no connection; the client still waits for an answer. */
  failed(error: Error): void
}

/** A connection of bytes to a real server. Returns it, so that it can be closed with the proxy. */
export function tunnel({ client, head, to, greet, failed }: Tunnel): Socket {
  const server = net.connect({ ...connectable(to), allowHalfOpen: true, noDelay: true })
  const leave = () => server.destroy()
  client.once('close', leave)
  server.once('error', failed)
  server.once('connect', () => {
    server.off('error', failed)
    client.off('close', leave)
    if (greet.client !== undefined) client.write(greet.client)
    if (greet.server !== undefined) server.write(greet.server)
    if (head.length > 0) server.write(head)
    join(client, server)
  })
  return server
}

/** Names and values in turn, the host first: a proxy goes by the target, whatever `Host` says (RFC 9112, section 3.2.2). */
function addressedTo({ host }: URL, rawHeaders: readonly string[], isLeftOut: (name: string) => boolean): string[] {
  const headers = ['Host', host]
  for (let i = 0; i < rawHeaders.length; i += 2)
    if (rawHeaders[i]!.toLowerCase() !== 'host' && !isLeftOut(rawHeaders[i]!))
      headers.push(rawHeaders[i]!, rawHeaders[i + 1]!)
  return headers
}

/** Without these nobody would know where a body ends, whoever says that they are for one connection. */
const framing: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding'])

/** Tells the headers that are for one connection alone, those that `Connection` names among them (RFC 9110, section 7.6.1). */
function ofConnection({ headers }: IncomingMessage): (name: string) => boolean {
  const named = (headers.connection ?? '').split(',').map((token) => token.trim().toLowerCase())
  const names = new Set(['connection', 'keep-alive', 'te', ...named.filter((name) => !framing.has(name))])
  return (name) => names.has(name.toLowerCase()) || isForProxy(name)
}

/** The request as its server wants it: the path alone, and nothing of what was meant for the proxy. */
export function headOf({ method, rawHeaders }: IncomingMessage, url: URL): Buffer {
  const lines = [`${method} ${url.pathname}${url.search} HTTP/1.1`]
  const headers = addressedTo(url, rawHeaders, isForProxy)
  for (let i = 0; i < headers.length; i += 2) lines.push(`${headers[i]}: ${headers[i + 1]}`)
  // Each character stands for the byte that came.
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
}

/** Passes one request on to a real server, and its answer back, both as they come. */
export function relay(
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  failed: (error: Error) => void,
): void {
  const headers = addressedTo(url, request.rawHeaders, ofConnection(request))
  const { host, port } = connectable(namedBy(url))
  const outgoing = (url.protocol === 'https:' ? https : http).request({
    host,
    port,
    ...(url.protocol === 'https:' && !net.isIP(host) && { servername: host }),
    path: url.pathname + url.search,
    method: request.method!,
    headers,
    agent: false,
  })
  outgoing.once('response', (incoming) => {
    response.sendDate = false
    const isLeftOut = ofConnection(incoming)
    const knowsChunks = request.httpVersion !== '1.0'
    const kept = incoming.rawHeaders.flatMap((name, i, all) =>
      i % 2 === 0 && !isLeftOut(name) && (knowsChunks || name.toLowerCase() !== 'transfer-encoding')
        ? [name, all[i + 1]!]
        : [],
    )
    response.writeHead(incoming.statusCode ?? 502, incoming.statusMessage, kept)
    incoming.pipe(response)
    // The answer broke off: so it does for the client.
    incoming.once('error', () => breakOff(request.socket))
  })
  outgoing.on('error', (error) => {
    if (response.headersSent) breakOff(request.socket)
    else failed(error)
  })
  response.once('close', () => {
    if (!response.writableFinished) outgoing.destroy()
  })
  request.pipe(outgoing)
}
