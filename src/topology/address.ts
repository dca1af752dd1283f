import { MeshError } from '../errors.ts'
import type { ServiceOptions } from './options.ts'
import { unexpected, type Check } from './checks.ts'

/** The origin at which callers address a service: that of its `url`, by default `http://<name>`. */
export const originOf = (name: string, { url }: Pick<ServiceOptions, 'url'>): string =>
  new URL(url ?? `http://${name}`).origin

/** An http or https origin and nothing more: services are told apart by host, never by path. */
export const originUrl: Check = (value, place) => {
  const expected = 'an http or https origin such as "https://orders.shop.test"'
  if (typeof value !== 'string') throw unexpected(place, expected, value)
  if (!URL.canParse(value)) {
    const fix = URL.canParse(`http://${value}`) ? `Write "http://${value}".` : undefined
    throw unexpected(place, expected, value, { fix })
  }
  const url = new URL(value)
  // "localhost:3000" parses, with "localhost:" for a scheme.
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw unexpected(place, expected, value, {
      fix: value.includes('://') ? undefined : `Write "http://${value}".`,
    })
  if (url.username || url.password)
    throw unexpected(place, 'an origin without user name and password', value, { fix: `Write "${url.origin}".` })
  if (url.pathname !== '/' || url.search || url.hash || /[?#]$/.test(value))
    throw unexpected(place, 'an origin without path, query and fragment', value, {
      fix: `Write "${url.origin}" and put the path into the routes.`,
    })
}

const wellFormed = /^[A-Za-z0-9][A-Za-z0-9._-]*$/

/** A service's name stands in host names, edge names and file names. */
export function checkServiceName(name: string, hasUrl: boolean): void {
  const refuse = (expected: string, fix?: string) =>
    new MeshError('MESH_INVALID_DEFINITION', `services: expected ${expected}, got ${JSON.stringify(name)}`, { fix })
  if (name.includes('->'))
    throw refuse(
      'service names without "->"',
      'Edges are declared by `calls` of the caller: { calls: { callee: {} } }.',
    )
  if (!wellFormed.test(name))
    throw refuse('service names of letters, digits, ".", "_" and "-" that begin with a letter or digit')
  // `http://7` is the address 0.0.0.7, and `http://1.2.3.4.5` no address at all.
  const address = `http://${name}`
  if (!hasUrl && (!URL.canParse(address) || new URL(address).hostname !== name.toLowerCase()))
    throw refuse('a service name that can be a host name', 'Rename the service, or give it a `url`.')
}

/** Two services at one origin could not be told apart. */
export function checkOrigins(services: { readonly [name: string]: ServiceOptions }): void {
  const taken = new Map<string, string>()
  for (const [name, options] of Object.entries(services)) {
    const origin = originOf(name, options)
    const other = taken.get(origin)
    if (other !== undefined)
      throw new MeshError('MESH_DUPLICATE_URL', `Services "${other}" and "${name}" have the same address, ${origin}.`, {
        fix: 'Give each service a `url` with a host (or port) of its own.',
      })
    taken.set(origin, name)
  }
}
