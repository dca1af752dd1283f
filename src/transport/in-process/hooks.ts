import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import http from 'node:http'
import type { Agent, ClientRequest } from 'node:http'
import { syncBuiltinESMExports } from 'node:module'
import net from 'node:net'
import tls from 'node:tls'
import { SCOPE_HEADER } from '../http-exchange.ts'
import type { ConnectOptions, Hub } from './hub.ts'
import type { OpenDoors } from './open-doors.ts'
import { patch } from './patch.ts'
import type { Ticket, Tickets } from './tickets.ts'

type Connect = (this: unknown, ...args: unknown[]) => unknown
type AddRequest = (this: Agent, request: ClientRequest, ...args: unknown[]) => unknown

/** What the channels of undici (Node's own and the package) publish. */
interface UndiciRequest {
  readonly origin?: string | URL | null
  addHeader(name: string, value: string): unknown
}

/**
 * Makes connections to hosts of open meshes end at the hub, and gives every request made for one of them a ticket. Hooked
 * where connections are made, below `fetch`, `http` and all clients built on them, so that errors get the shape that each
 * client gives them. Returns the undo.
 */
export function installHooks(doors: OpenDoors, hub: Hub, tickets: Tickets): () => void {
  const connect =
    (isSecure: boolean) =>
    (original: Connect, isActive: () => boolean): Connect =>
      function (...args) {
        const target = isActive() ? targetOf(args) : undefined
        const url = target && ownedUrl(doors, target, isSecure)
        if (!url) return Reflect.apply(original, this, args)
        const socket = hub.connect(url, isSecure, target.options)
        if (target.listener) socket.once(isSecure ? 'secureConnect' : 'connect', target.listener)
        return socket
      }

  const addRequest = (original: AddRequest, isActive: () => boolean): AddRequest =>
    function (request, ...args) {
      const url = isActive() ? urlOfRequest(this, request, args) : undefined
      if (url && doors.owns(url)) ticketFor(url, request)
      return Reflect.apply(original, this, [request, ...args])
    }

  const ticketFor = (url: URL, request: ClientRequest) => {
    const ticket = tickets.issue(doors.placeFor(url))
    // Headers given as an array, and those of a request that expects 100-continue, are rendered already: the
    // connection that the request gets, carries the ticket then.
    const isLate = request.headersSent
    if (!isLate) request.setHeader(SCOPE_HEADER, ticket.id)
    request.once('socket', (socket) => {
      ticket.leaves()
      if (isLate) hub.assign(socket, ticket)
    })
    request.once('close', () => ticket.consumed())
  }

  const undici = new WeakMap<object, Ticket>()
  const channels: Record<string, (message: unknown) => void> = {
    'undici:request:create': (message) => {
      const { request } = message as { request: UndiciRequest }
      const url = parse(String(request.origin))
      if (!url || !doors.owns(url)) return
      const ticket = tickets.issue(doors.placeFor(url))
      undici.set(request, ticket)
      request.addHeader(SCOPE_HEADER, ticket.id)
    },
    'undici:client:sendHeaders': (message) => undici.get((message as { request: object }).request)?.leaves(),
    'undici:request:trailers': (message) => undici.get((message as { request: object }).request)?.consumed(),
    'undici:request:error': (message) => undici.get((message as { request: object }).request)?.consumed(),
  }

  const undos = [
    patch(net, 'connect', connect(false)),
    patch(net, 'createConnection', connect(false)),
    patch(tls, 'connect', connect(true)),
    // Node took its reference to net.createConnection when it loaded.
    patch(http.Agent.prototype, 'createConnection', connect(false)),
    patch(http.Agent.prototype, 'addRequest', addRequest),
    ...Object.entries(channels).map(([name, listener]) => {
      subscribe(name, listener)
      return () => void unsubscribe(name, listener)
    }),
  ]
  syncBuiltinESMExports()
  return () => {
    for (const undo of undos.reverse()) undo()
    syncBuiltinESMExports()
  }
}

interface Target {
  readonly host: string
  readonly port: string | number
  readonly options: ConnectOptions
  readonly listener: ((...args: unknown[]) => void) | undefined
}

/** Reads the arguments of `net.connect` and `tls.connect`, which come in three forms; undefined for a pipe. */
function targetOf(args: unknown[]): Target | undefined {
  const options = (args.find((arg) => typeof arg === 'object' && arg !== null) ?? {}) as ConnectOptions & {
    host?: unknown
    port?: unknown
    path?: unknown
    socket?: unknown
  }
  const [first, second] = args
  const port = typeof first === 'object' ? options.port : first
  const host = (typeof second === 'string' ? second : undefined) ?? options.host ?? 'localhost'
  if (options.path || options.socket || typeof host !== 'string') return undefined
  if (typeof port !== 'number' && typeof port !== 'string') return undefined
  const listener = args.find((arg) => typeof arg === 'function') as Target['listener']
  return { host, port, options, listener }
}

/** The origin that is connected to, if an open mesh has it. */
function ownedUrl(doors: OpenDoors, { host, port }: Target, isSecure: boolean): URL | undefined {
  const url = urlOf(isSecure ? 'https:' : 'http:', host, port)
  return url && doors.owns(url) ? url : undefined
}

function urlOfRequest(agent: Agent, request: ClientRequest, args: unknown[]): URL | undefined {
  const [options, port] = args
  const { defaultPort } = agent as Agent & { defaultPort?: number }
  const target = (typeof options === 'object' ? options : { host: options, port }) as {
    host?: string
    port?: string | number
    socketPath?: string
  } | null
  if (!target || target.socketPath) return undefined
  return urlOf(request.protocol, target.host ?? 'localhost', target.port || defaultPort || 80)
}

const urlOf = (protocol: string, host: string, port: string | number): URL | undefined =>
  parse(`${protocol}//${net.isIPv6(host) ? `[${host}]` : host}:${port}`)

const parse = (text: string): URL | undefined => (URL.canParse(text) ? new URL(text) : undefined)
