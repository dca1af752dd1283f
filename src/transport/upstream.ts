import http from 'node:http'
import https from 'node:https'
import type { ClientRequest } from 'node:http'
import type { Socket } from 'node:net'
import type { Call } from '../call/call.ts'
import { failed } from '../call/reply.ts'
import type { Dialled, Reply } from '../call/reply.ts'
import { turn } from '../time/natives.ts'
import { isStreamed } from '../call/body.ts'
import { addressedTo, answeredFrom, failureFrom } from './upstream-answer.ts'

/** Connections to one real service that wait for the next call. More are closed when they are not needed any more. */
const idleLimit = 64

/** The real services behind a mesh, and the connections that are kept to them. */
export interface Upstreams {
  /**
   * Sends a call on to a real HTTP service and gives its answer, unread: bodies stream through, both ways. What goes wrong on the
   * way becomes the outcome it is, a body that breaks breaks in the same way (RST or FIN). Never rejects.
   *
   * Trailers of the answer go on. Not passed on: those of the request, interim answers (1xx), and `Expect`, which the mesh has answered itself.
   */
  forward(upstream: string, call: Call): Promise<Reply>
  /** Opens the WebSocket of a call there. Never rejects. */
  dial(upstream: string, call: Call): Promise<Dialled>
  /** Closes the connections that are kept; those in use are closed after use. */
  close(): void
}

export function createUpstreams(): Upstreams {
  let agents: { http: http.Agent; https: https.Agent } | undefined
  let isClosed = false
  const agentFor = (protocol: string): http.Agent => {
    const options = { keepAlive: true, maxFreeSockets: idleLimit }
    agents ??= { http: new http.Agent(options), https: new https.Agent(options) }
    return protocol === 'https:' ? agents.https : agents.http
  }
  const close = () => {
    isClosed = true
    const free = [agents?.http, agents?.https].flatMap((agent) => Object.values(agent?.freeSockets ?? {}))
    for (const socket of free.flatMap((sockets) => sockets ?? [])) socket.destroy()
    agents = undefined
  }
  return {
    async forward(upstream, call) {
      const base = new URL(upstream)
      const agent = isClosed ? undefined : agentFor(base.protocol)
      if (agent && Object.keys(agent.freeSockets).length > 0) await sweep(agent)
      return send(base, upstream, call, agent)
    },
    dial: async (upstream, call) => {
      const { dial } = await import('./websocket-dial.ts')
      return dial(upstream, call)
    },
    close,
  }
}

/**
 * A service that has closed a kept connection has said so by now, and within two turns of the event loop it is heard (the
 * first may be the rest of the current one). The agent would still give such a connection away, and the call would fail
 * for a reason that no fresh one has.
 */
async function sweep(agent: http.Agent): Promise<void> {
  await turn()
  await turn()
  for (const sockets of Object.values(agent.freeSockets))
    for (const socket of [...(sockets ?? [])]) if (!socket.readable) socket.destroy()
}

function send(base: URL, upstream: string, call: Call, agent: http.Agent | undefined): Promise<Reply> {
  const { url, headers } = addressedTo(base, call)
  const { body, method, signal } = call
  // Without a length it would be sent in chunks, which not every service takes. A stream keeps the one that it came with.
  if (body && !isStreamed(body)) headers['content-length'] = [String(body.byteLength)]
  const { request } = base.protocol === 'https:' ? https : http
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(failed('aborted'))
    const outgoing = request(url, { method, headers, agent: agent ?? false, signal })
    const broke = howItBroke(outgoing)
    outgoing.once('response', (incoming) => resolve(answeredFrom(incoming, method, broke)))
    outgoing.on('error', (error) => resolve(failureFrom(error, upstream, signal)))
    if (body && isStreamed(body)) void upload(body, outgoing)
    else outgoing.end(body ?? undefined)
  })
}

/** Sends a body as it comes. A caller that goes away in the middle is a request that breaks off. */
async function upload(body: ReadableStream<Uint8Array>, outgoing: ClientRequest): Promise<void> {
  const reader = body.getReader()
  // An answer that comes first does not end the upload; a service that has gone does.
  const stop = () => void reader.cancel().catch(() => {})
  outgoing.once('close', stop)
  try {
    outgoing.flushHeaders()
    for (;;) {
      const { done, value } = await reader.read()
      if (outgoing.destroyed) return
      if (done) return void outgoing.end()
      if (!outgoing.write(value)) await drained(outgoing)
    }
  } catch (error) {
    outgoing.destroy(error as Error)
  }
}

const drained = (outgoing: ClientRequest): Promise<void> =>
  new Promise((resolve) => {
    const done = () => {
      outgoing.off('drain', done)
      outgoing.off('close', done)
      resolve()
    }
    outgoing.on('drain', done)
    outgoing.on('close', done)
  })

/** Node calls every body that breaks off "aborted" with ECONNRESET; whether it was an RST only the socket has been told. */
function howItBroke(outgoing: ClientRequest): () => 'RST' | 'FIN' {
  let isReset = false
  outgoing.once('socket', (socket: Socket) => {
    const listen = (error: NodeJS.ErrnoException) => {
      isReset ||= error.code === 'ECONNRESET'
    }
    socket.prependListener('error', listen)
    // Kept connections serve others afterwards.
    outgoing.once('close', () => socket.off('error', listen))
  })
  return () => (isReset ? 'RST' : 'FIN')
}
