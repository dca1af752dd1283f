import type { Duplex } from 'node:stream'
import { createServer } from 'node:tls'
import type { Server, TLSSocket } from 'node:tls'
import type { Authority } from './authority.ts'

export interface Greeted {
  /** What the client named. */
  readonly serverName: string | undefined
  /** What was agreed on. Clients that ask for nothing say it by what they send. */
  readonly protocol: 'h2' | 'http/1.1' | undefined
}

type OnGreeted = (inner: TLSSocket, facts: Greeted) => void

export interface Secure {
  /**
   * Takes TLS off a stream and hands on what is inside. `fallback`: the host whose certificate is shown when the client
   * names none. A client that does not trust the certificate, or sends garbage, ends its own connection only.
   */
  accept(stream: Duplex, fallback: string, greeted: OnGreeted): void
}

/** Hosts to fall back on that are kept, each a server that never listens. */
const serverLimit = 256

export function secureServer(authority: Authority): Secure {
  const waiting = new WeakMap<object, OnGreeted>()
  const servers = new Map<string, Server>()

  const serverFor = (fallback: string) => {
    const known = servers.get(fallback)
    if (known) return known
    const server = createServer({
      ...authority.credentialsFor(fallback),
      ALPNProtocols: ['h2', 'http/1.1'],
      handshakeTimeout: 60_000,
      SNICallback: (host, answer) => answer(null, authority.contextFor(host)),
    })
    server.on('secureConnection', (inner: TLSSocket) => {
      inner.on('error', () => {})
      // The one tie between what was handed in and what came out of it.
      const { _parent: stream } = inner as unknown as { _parent: object }
      waiting.get(stream)?.(inner, {
        serverName: inner.servername || undefined,
        protocol: (inner.alpnProtocol || undefined) as Greeted['protocol'],
      })
    })
    servers.set(fallback, server)
    if (servers.size > serverLimit) servers.delete(servers.keys().next().value!)
    return server
  }

  return {
    accept(stream, fallback, greeted) {
      waiting.set(stream, greeted)
      serverFor(fallback).emit('connection', stream)
    },
  }
}
