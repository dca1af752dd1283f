import type { Door } from '../call/door.ts'
import { nearest } from '../nearest.ts'

/** Where a client of a proxy wants to go, in the words of its request. */
export interface Named {
  /** As in a URL: lower case, IPv6 in brackets. */
  readonly host: string
  readonly port: number
}

export type Target =
  /** A service of the mesh. */
  | { readonly kind: 'service'; readonly callee: string }
  /** This machine: the app servers of a test, their hot reloading, and so on. */
  | { readonly kind: 'real' }
  /** The proxy itself. */
  | { readonly kind: 'loop' }
  | { readonly kind: 'unknown' }

/** Where a tunnel leads. */
export interface Inside {
  readonly to: Named
  readonly callee: string
}

export const originOf = ({ host, port }: Named, isSecure: boolean): string =>
  `${isSecure ? 'https' : 'http'}://${host}${port === (isSecure ? 443 : 80) ? '' : `:${port}`}`

/** More than any host name and port. */
const longestAuthority = 300

/** `host:port` of a CONNECT; undefined for what is none. */
export function named(authority: string): Named | undefined {
  if (authority.length > longestAuthority || !/^[^\s/?#@\\]+:\d{1,5}$/.test(authority)) return undefined
  if (!URL.canParse(`http://${authority}`)) return undefined
  const port = Number(authority.slice(authority.lastIndexOf(':') + 1))
  return port >= 1 && port <= 65535 ? { host: new URL(`http://${authority}`).hostname, port } : undefined
}

const defaultPorts: { readonly [protocol: string]: number } = { 'http:': 80, 'https:': 443, 'ws:': 80, 'wss:': 443 }

/** The address in a request that names its target in full; undefined for a target that is no such URL. */
export function absolute(target: string): URL | undefined {
  if (!/^(https?|wss?):\/\//i.test(target) || !URL.canParse(target)) return undefined
  // Sockets are opened by requests: their scheme tells no more than whether TLS is meant.
  const url = new URL(target.replace(/^ws/i, 'http'))
  // Nobody's business, and no part of an address.
  url.username = url.password = ''
  return url.hostname === '' ? undefined : url
}

export const namedBy = (url: URL): Named => ({
  host: url.hostname,
  port: url.port === '' ? defaultPorts[url.protocol]! : Number(url.port),
})

/** Names under .localhost are the machine's own, too (RFC 6761, section 6.3). */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host.endsWith('.localhost') || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host)

/** The protocol is not known of a tunnel until something comes through it: then the service at either counts. */
export function targetOf(door: Door, { host, port }: Named, own: number, protocol?: string): Target {
  for (const tried of protocol ? [protocol] : ['https:', 'http:']) {
    const callee = door.serviceAt(new URL(`${tried}//${host}:${port}`))
    if (callee !== undefined) return { kind: 'service', callee }
  }
  if (!isLoopback(host)) return { kind: 'unknown' }
  return { kind: port === own ? 'loop' : 'real' }
}

/** How `net.connect` takes it. */
export const connectable = ({ host, port }: Named): { host: string; port: number } => ({
  // Few resolvers know the names under it.
  host: host.endsWith('.localhost') ? 'localhost' : host.replace(/^\[|\]$/g, ''),
  port,
})

const originsShown = 10

/** What a client is told whose host is no service. */
export function unknownHost(door: Door, { host, port }: Named): string {
  const byHost = new Map(door.origins().map((origin) => [new URL(origin).hostname, origin]))
  const near = byHost.get(host) ?? byHost.get(nearest(host, [...byHost.keys()], 1)[0] ?? '')
  const services = [...door.origins()].sort()
  const rest = services.splice(originsShown).length
  return [
    `meshwright: ${host}:${port} is no service of the mesh "${door.name}".`,
    near ? `Did you mean ${near}?` : `Its services: ${services.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`,
    `To let such requests out, declare the mesh with unknownHosts: 'passthrough'.`,
    '',
  ].join('\n')
}
