import { MeshError } from '../errors.ts'
import { pathOf, unexpected, type Check, type Place } from './checks.ts'
import type { EdgeOptions, ServiceOptions } from './options.ts'

const example = 'an address such as "tcp://127.0.0.1:6379"'

/** `tcp://host:port` and nothing more. */
export const tcpAddress: Check = (value, place) => {
  if (typeof value !== 'string') throw unexpected(place, example, value)
  if (parseTcpAddress(value)) return
  const meant = /^(?:[a-z][a-z0-9+.-]*:\/\/)?(?:[^@/]*@)?([^/:?#\s]+:\d+)/i.exec(value)?.[1]
  throw unexpected(place, example, value, {
    fix: meant && parseTcpAddress(`tcp://${meant}`) ? `Write "tcp://${meant}".` : 'The port has to be named.',
  })
}

/** Host and port of a `tcp://host:port`; undefined for anything else. */
export function parseTcpAddress(address: string): { host: string; port: number } | undefined {
  if (!address.startsWith('tcp://') || !URL.canParse(address)) return undefined
  const { hostname, port, pathname, search, hash, username, password } = new URL(address)
  const rest = pathname.replace(/^\/$/, '') + search + hash + username + password
  if (hostname === '' || port === '' || port === '0' || rest !== '') return undefined
  // An address of IPv6 stands in brackets in a URL only.
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) }
}

/** Options that only what speaks HTTP has a use for, and why. */
const ofHttp: { readonly [Option in keyof ServiceOptions]?: string } = {
  handlers: 'its upstream answers',
  responseTime: 'nobody knows where an answer begins; use chaos.latency',
  url: 'its address is a port of its own, mesh.url(...)',
  calls: 'what a real service calls does not go through the mesh',
  underTest: 'the code under test is what connects to it',
  sidecar: 'the code under test is what connects to it',
  instances: 'there is one upstream',
}

/** Checks what `tcp: true` asks for, and that nothing else asks for bytes. */
export function checkTcpService(value: ServiceOptions, place: Place): void {
  const path = pathOf(place)
  if (!value.tcp) {
    if (typeof value.upstream === 'string' && value.upstream.startsWith('tcp:'))
      throw new MeshError(
        'MESH_INVALID_OPTION',
        `${path}: an upstream of "${value.upstream}" carries bytes, not HTTP`,
        {
          fix: 'Write tcp: true beside it.',
        },
      )
    return
  }
  if (value.upstream === undefined)
    throw new MeshError('MESH_INVALID_OPTION', `${path}: a service with tcp: true needs an \`upstream\``, {
      fix: "Name the real one: { tcp: true, upstream: 'tcp://127.0.0.1:6379' }.",
    })
  for (const [option, why] of Object.entries(ofHttp))
    if (value[option as keyof ServiceOptions] !== undefined)
      throw new MeshError(
        'MESH_INVALID_OPTION',
        `${path}: a service with tcp: true takes no \`${option}\`, because ${why}`,
        { details: ['Options beside tcp: metadata, upstream'] },
      )
}

const policies = ['mode', 'timeoutMs', 'retry', 'circuitBreaker', 'bulkhead', 'fallback'] as const

/** Policies act on calls, and bytes have none: they belong to the client that speaks the protocol. */
export function checkTcpEdge(path: string, callee: string, options: EdgeOptions): void {
  const given = policies.find((option) => options[option] !== undefined)
  if (given === undefined) return
  throw new MeshError(
    'MESH_INVALID_OPTION',
    `${path}: \`${given}\` acts on HTTP calls, and "${callee}" carries bytes (tcp: true)`,
    { fix: 'Leave it to the client that speaks the protocol: its own time-outs, retries and pool are what is tested.' },
  )
}

/** Checks the calls of all services to those that carry bytes. */
export function checkTcpCalls(services: { readonly [name: string]: ServiceOptions }): void {
  for (const [caller, { calls = {} }] of Object.entries(services))
    for (const [callee, options] of Object.entries(calls))
      if (services[callee]?.tcp) checkTcpEdge(`services.${caller}.calls.${callee}`, callee, options)
}
