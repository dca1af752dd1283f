import { MeshError } from '../errors.ts'
import { describeValue } from '../nearest.ts'

/** How an address is spoken to. A port of the mesh takes both, with HTTP/1.1 or HTTP/2 in either. */
export type UrlProtocol = 'http' | 'https'

export function checkProtocol(what: string, protocol: unknown): void {
  if (protocol === undefined || protocol === 'http' || protocol === 'https') return
  throw new MeshError(
    'MESH_INVALID_OPTION',
    `${what}: expected \`protocol\` to be "http" or "https", got ${describeValue(protocol)}`,
  )
}

/** The same address, for a client that is to speak this protocol. */
export function withProtocol(what: string, url: string, protocol: UrlProtocol | undefined): string {
  checkProtocol(what, protocol)
  if (protocol === undefined || url.startsWith(`${protocol}:`)) return url
  if (url.startsWith('http:')) return url.replace('http:', 'https:')
  throw new MeshError('MESH_UNSUPPORTED', `${what}: no HTTP is spoken at ${url}`, {
    fix: 'Leave `protocol` out for a service that carries bytes.',
  })
}
