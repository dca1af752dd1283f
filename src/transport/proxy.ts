import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { HeaderList } from '../call/call.ts'
import type { Door } from '../call/door.ts'
import { MeshError } from '../errors.ts'
import type { Authority } from './authority.ts'
import type { ConnectionFacts } from './connection.ts'
import { createConnectionServer } from './connections.ts'
import { exchange } from './http-exchange.ts'
import type { Received } from './http-exchange.ts'
import type { Wire } from './wire.ts'
import { answer, loop, malformed, notForProxies, tell, unknown, unreachable } from './proxy-answers.ts'
import { ProxiedAtOnce } from './proxy-at-once.ts'
import { ownReply, readableByPages } from './proxy-pages.ts'
import { headOf, relay, reset, tunnel } from './proxy-relay.ts'
import { absolute, named, namedBy, originOf, targetOf } from './proxy-target.ts'
import type { Inside, Named, Target } from './proxy-target.ts'
import { shakeHands } from './websocket.ts'

export interface ProxyOptions {
  /** The service that whoever connects speaks as. */
  readonly caller: string
  /** Default: one that is free. */
  readonly port?: number
  /** What becomes of requests to hosts that are neither of the mesh nor this machine. */
  readonly unknownHosts: 'refuse' | 'passthrough'
  /**
   * Whether pages come: then preflights and /favicon.ico are answered for the services, and a page of any origin may read what
   * they answer.
   */
  readonly forPages: boolean
  readonly authority: () => Promise<Authority>
  /** Told of each request to an unknown host that was refused. */
  refused(to: Named): void
}

export interface Proxy {
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  readonly port: number
  /** Closes the port and its connections; resolves when nothing is left. Idempotent. */
  close(): Promise<void>
}

/** Connections of one proxy at once; further ones are closed, and the test is told. */
const connectionLimit = 4_096

/**
 * The sidecar of one caller: a forward proxy on 127.0.0.1, through which a service under test reaches the services of the mesh
 * by their real names, in any process and language (`HTTP_PROXY`, `HTTPS_PROXY`).
 *
 * Takes requests that name their target in full, and tunnels (CONNECT), in which TLS, HTTP/2, plain HTTP and WebSockets may
 * come. The caller is that of the port; the callee is found by host and port. Requests to this machine are passed on for real,
 * those to any other host are refused unless `unknownHosts` says otherwise. It is a proxy and nothing else: nothing about the
 * mesh can be read or changed through it.
 *
 * Faults are those of a socket. While the mesh refuses an edge, a tunnel to that service is opened, and reset when the client
 * begins to speak: every client takes that for a failed connection, while some take a refusal of the tunnel for an answer of the
 * service.
 *
 * @throws MeshError MESH_PORT_TAKEN when the port is in use.
 */
export async function openProxy(door: Door, options: ProxyOptions): Promise<Proxy> {
  const { caller, port = 0, unknownHosts, forPages, authority, refused } = options
  /** Connections to real servers. */
  const relays = new Set<Socket>()
  /** What has to break when a service is out: tunnels to it, and requests that are under way to it outside of any. */
  const breakable = new Set<{ readonly callee: string; readonly reset: () => void }>()
  let bound = port

  const targetFor = (to: Named, protocol?: string): Target => {
    const target = targetOf(door, to, bound, protocol)
    if (target.kind !== 'unknown') return target
    if (unknownHosts === 'passthrough') return { kind: 'real' }
    refused(to)
    return target
  }
  const open = (from: Parameters<typeof tunnel>[0]) => {
    const server = tunnel(from)
    relays.add(server.unref())
    server.once('close', () => relays.delete(server))
  }

  const breaks = (one: { once(event: 'close', listener: () => void): unknown }, callee: string, reset: () => void) => {
    const entry = { callee, reset }
    breakable.add(entry)
    one.once('close', () => breakable.delete(entry))
  }

  const atOnce = new ProxiedAtOnce(door, caller)
  const connections = createConnectionServer<Inside | undefined>({
    authority,
    hostOf: (inside) => inside?.to.host.replace(/^\[|\]$/g, ''),
    problem: (error) => door.problem(error),
    serve(request, response, wire, inside, facts) {
      // Pages need more than the bare answer.
      if (!forPages && atOnce.answer(request, response, inside, facts)) return
      if (inside) return enter(request, response, wire, inside.callee, urlInside(request, inside.to, facts), true)
      const url = absolute(request.url ?? '')
      if (!url) return answer(response, notForProxies(door, caller))
      const to = namedBy(url)
      const target = targetFor(to, url.protocol)
      if (target.kind === 'service') {
        breaks(response, target.callee, wire.reset)
        atOnce.remember(request.url!, target.callee)
        return enter(request, response, wire, target.callee, url)
      }
      if (target.kind !== 'real') return answer(response, target.kind === 'loop' ? loop(to) : unknown(door, to))
      relay(request, response, url, (error) => answer(response, unreachable(to, error)))
    },
    connect(request, stream, head, inside) {
      const to = named(request.url ?? '')
      if (!to || inside) return tell(stream, malformed(request.url ?? ''))
      const target = targetFor(to)
      if (target.kind === 'service') return lead(stream, head, { to, callee: target.callee })
      if (target.kind !== 'real') return tell(stream, target.kind === 'loop' ? loop(to) : unknown(door, to))
      open({
        client: stream,
        head,
        to,
        greet: { client: established },
        failed: (error) => tell(stream, unreachable(to, error)),
      })
    },
    upgrade(request, stream, head, inside, facts, wire) {
      if (inside)
        return enterSocket(request, stream, head, wire, inside.callee, urlInside(request, inside.to, facts), true)
      const url = absolute(request.url ?? '')
      if (!url) return tell(stream, notForProxies(door, caller))
      const to = namedBy(url)
      const target = targetFor(to, url.protocol)
      if (target.kind === 'service') {
        breaks(stream, target.callee, wire.reset)
        return enterSocket(request, stream, head, wire, target.callee, url)
      }
      if (target.kind !== 'real') return tell(stream, target.kind === 'loop' ? loop(to) : unknown(door, to))
      const greet = { server: headOf(request, url) }
      open({ client: stream, head, to, greet, failed: (error) => tell(stream, unreachable(to, error)) })
    },
  })

  /** Speaks with a client as the service that it asked a tunnel to. */
  const lead = (stream: Duplex, head: Buffer, inside: Inside) => {
    const broken = () => reset(stream)
    breaks(stream, inside.callee, broken)
    stream.write(established)
    if (!door.refuses(caller, inside.callee)) return connections.accept(stream, inside, head)
    // Not before the client has begun to speak, for an RST overtakes what it has not read yet.
    if (head.length > 0) return broken()
    stream.once('data', broken)
    stream.once('end', broken)
  }

  const entering =
    (callee: string, url: URL, isTunnelled: boolean) =>
    ({ headers, ...received }: Received) =>
      door.enter({
        ...received,
        headers: (isTunnelled ? headers : hostedBy(url, headers)).filter(([name]) => !name.startsWith('proxy-')),
        path: url.pathname + url.search,
        url: url.href,
        caller,
        callee,
        origin: 'proxy',
      })

  const enterSocket = (
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    wire: Wire,
    callee: string,
    url: URL,
    isTunnelled = false,
  ): void => {
    const problem = (error: Error) => door.problem(error)
    const send = entering(callee, url, isTunnelled)
    void shakeHands({ request, socket, head, wire, clock: door.clock, enter: send, problem })
  }

  const enter = (
    request: IncomingMessage,
    response: ServerResponse,
    wire: Wire,
    callee: string,
    url: URL,
    isTunnelled = false,
  ) => {
    const send = entering(callee, url, isTunnelled)
    void exchange({
      request,
      response,
      wire,
      clock: door.clock,
      streams: door.streams(caller, callee),
      enter: forPages
        ? async (received) =>
            ownReply(received, url) ?? readableByPages(await send(received), received.headers, url.origin)
        : send,
      problem: (error) => door.problem(error),
    })
  }

  const server = await listen(port, (socket) => connections.accept(socket, undefined))
  bound = (server.address() as AddressInfo).port
  server.on('drop', () => {
    const message = `The proxy of ${caller} has ${connectionLimit} connections open and takes no more`
    door.problem(new MeshError('MESH_LIMIT', message, { fix: 'Let the client keep and reuse its connections.' }))
  })
  const unsubscribe = door.onRefusalChange(() => {
    for (const one of [...breakable]) if (door.refuses(caller, one.callee)) one.reset()
  })

  let closed: Promise<unknown> | undefined
  return {
    url: `http://127.0.0.1:${bound}`,
    port: bound,
    async close() {
      closed ??= (() => {
        unsubscribe()
        atOnce.close()
        for (const socket of relays) socket.destroy()
        const gone = once(server, 'close')
        server.close()
        return Promise.all([gone, connections.close()])
      })()
      await closed
    },
  }
}

/** A target in full goes before what `Host` says (RFC 9112, section 3.2.2). */
function hostedBy({ host }: URL, headers: HeaderList): HeaderList {
  const given = headers.filter(([name]) => name === 'host')
  if (given.length === 1 && given[0]![1] === host) return headers
  return [['host', host], ...headers.filter(([name]) => name !== 'host')]
}

const established = 'HTTP/1.1 200 Connection Established\r\n\r\n'

/** The address of a request that came through a tunnel. */
function urlInside({ url: target = '/' }: IncomingMessage, to: Named, { isSecure }: ConnectionFacts): URL {
  const origin = originOf(to, isSecure)
  const inFull = absolute(target)
  // Joined as text, because a path that begins with two slashes would be taken for a host.
  return new URL(origin + (inFull ? inFull.pathname + inFull.search : target.startsWith('/') ? target : '/'))
}

async function listen(port: number, accept: (socket: Socket) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, accept)
  server.maxConnections = connectionLimit
  server.listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
    return server.unref()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    throw new MeshError('MESH_PORT_TAKEN', `Port ${port} on 127.0.0.1 is taken by another program or mesh`, {
      fix: 'Leave the port out to get a free one, or end what listens there.',
      cause: error,
    })
  }
}
