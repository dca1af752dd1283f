import { MeshError } from '../../errors.ts'
import { describeValue } from '../../nearest.ts'

/** Grows when meshes and gateways of different versions of this package could not understand each other any more. */
export const protocol = 1

export const path = '/meshes'

/** What a mesh tells a gateway when it starts. */
export interface Registration {
  readonly protocol: number
  /** The name of its definition. */
  readonly mesh: string
  /** The port of its listener for each edge. */
  readonly edges: Readonly<Record<string, number>>
  /** Whether the author of the test asked for this gateway; if not, meshes of other definitions stay away from it. */
  readonly isAskedFor: boolean
}

/** Where the meshes of a run find their gateway, and what lets them in. */
export interface ControlAddress {
  readonly port: number
  readonly token: string
}

export const controlUrl = ({ port, token }: ControlAddress) => `http://${token}@127.0.0.1:${port}`

/** @throws MeshError MESH_INVALID_OPTION, naming `owner`, for anything but the `url` of a gateway */
export function controlAddress(url: unknown, owner: string): ControlAddress {
  const parsed = typeof url === 'string' && URL.canParse(url) ? new URL(url) : undefined
  const { protocol: scheme, hostname, port, username, password, pathname, search } = parsed ?? {}
  const isRight = scheme === 'http:' && hostname === '127.0.0.1' && port && username && !password
  if (isRight && pathname === '/' && !search) return { port: Number(port), token: username }
  throw new MeshError('MESH_INVALID_OPTION', `${owner}: expected the \`url\` of a gateway, got ${describeValue(url)}`, {
    fix: 'It looks like http://<token>@127.0.0.1:<port> and comes from `gateway.url` of startGateway().',
  })
}

const maxEdges = 1_000
const maxName = 1_000

/** What is wrong with it, or the registration. Nothing that comes over the network is taken on trust. */
export function readRegistration(text: string): Registration | string {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return 'The body is no JSON.'
  }
  if (typeof value !== 'object' || value === null) return 'The body is no object.'
  const { protocol: spoken, mesh, edges, isAskedFor } = value as Partial<Record<keyof Registration, unknown>>
  if (spoken !== protocol)
    return `The gateway speaks version ${protocol} of its protocol, the mesh version ${String(spoken).slice(0, 20)}: they are of different versions of meshwright.`
  if (typeof mesh !== 'string' || mesh === '' || mesh.length > maxName) return '`mesh` is no name.'
  if (typeof edges !== 'object' || edges === null) return '`edges` is no object.'
  const entries = Object.entries(edges)
  if (entries.length > maxEdges) return `\`edges\` has more than ${maxEdges} members.`
  const isPort = (port: unknown) => Number.isInteger(port) && Number(port) >= 1 && Number(port) <= 65_535
  if (!entries.every(([edge, port]) => edge.length <= maxName && isPort(port)))
    return '`edges` holds something other than ports.'
  return { protocol, mesh, edges: edges as Record<string, number>, isAskedFor: isAskedFor === true }
}
