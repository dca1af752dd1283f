import type { EdgeOptions, Handler, MeshOptions, ReplySpec, ServiceOptions } from './options.ts'
import { checkOrigins, checkServiceName } from './address.ts'
import { integer, isPlainObject, oneOf, options, pathOf, unexpected, type Check } from './checks.ts'
import { checkTcpCalls } from './tcp.ts'
import { unknownService } from './unknown.ts'
import { edgeOptions } from './validate-edge.ts'
import { replySpec } from './validate-reply.ts'
import { handler, serviceOptions } from './validate-service.ts'

/** What a mesh is when its options do not say otherwise. */
export const meshDefaults = {
  undeclaredCalls: 'fail',
  unhandledRequests: 'fail',
  unknownHosts: 'refuse',
  hopLimit: 32,
} as const

/**
 * Checks the options of one edge.
 *
 * @param path where they stand, for the message: `orders->payments`
 * @throws MeshError MESH_INVALID_OPTION for the first mistake
 */
export function validateEdgeOptions(path: string, value: unknown): asserts value is EdgeOptions {
  edgeOptions(value, { owner: path, key: '' })
}

/**
 * Checks the options of one service. With `mesh`, its callees too: each must be one of `mesh.services`.
 *
 * @throws MeshError MESH_INVALID_OPTION or MESH_UNKNOWN_SERVICE for the first mistake
 */
export function validateServiceOptions(
  path: string,
  value: unknown,
  mesh?: { readonly name: string; readonly services: readonly string[] },
): asserts value is ServiceOptions {
  serviceOptions(value, { owner: path, key: '' })
  if (mesh) checkCallees(path, value as ServiceOptions, mesh)
}

function checkCallees(
  path: string,
  { calls = {} }: ServiceOptions,
  mesh: { readonly name: string; readonly services: readonly string[] },
): void {
  for (const callee of Object.keys(calls))
    if (!mesh.services.includes(callee)) throw unknownService(callee, mesh.name, mesh.services, { at: `${path}.calls` })
}

/** Checks one MSW handler. Throws MeshError MESH_INVALID_OPTION, or MESH_UNSUPPORTED for one that a mesh cannot serve. */
export function validateHandler(owner: string, key: string, value: unknown): asserts value is Handler {
  handler(value, { owner, key })
}

/** Checks a written-down reply. Throws MeshError MESH_INVALID_OPTION for the first mistake. */
export function validateReplySpec(path: string, value: unknown): asserts value is ReplySpec {
  replySpec(value, { owner: '', key: path })
}

const seed: Check = (value, place) => {
  if (typeof value === 'string' ? value !== '' : Number.isFinite(value)) return
  throw unexpected(place, 'a number or a string that is not empty', value)
}

// Checked apart, with a better place in the message than the table could give.
const elsewhere: Check = () => {}

const meshLevel = options({
  name: elsewhere,
  services: elsewhere,
  seed,
  undeclaredCalls: oneOf('fail', 'allow'),
  unhandledRequests: oneOf('fail', 'passthrough'),
  unknownHosts: oneOf('refuse', 'passthrough'),
  hopLimit: integer({ atLeast: 1, atMost: 1_000 }),
})

/**
 * Checks everything that a user declares, in the order of the declaration.
 *
 * @throws MeshError for the first mistake: MESH_INVALID_DEFINITION (the mesh's or a service's name, no services),
 *   MESH_INVALID_OPTION, MESH_UNKNOWN_SERVICE (a call to a service that is not there), MESH_DUPLICATE_URL
 */
export function validateMeshOptions(value: unknown): asserts value is MeshOptions {
  const code = 'MESH_INVALID_DEFINITION'
  const owner = 'defineMesh'
  if (!isPlainObject(value)) throw unexpected({ owner, key: '' }, 'a plain object of mesh options', value, { code })
  const { name, services } = value
  if (typeof name !== 'string' || name.trim() === '')
    throw unexpected({ owner, key: 'name' }, 'a string that is not empty', name, { code })
  meshLevel(value, { owner: `mesh "${name}"`, key: '' })
  if (!isPlainObject(services))
    throw unexpected({ owner: `mesh "${name}"`, key: 'services' }, 'a plain object of services by name', services, {
      code,
      fix: 'Write services: { orders: { calls: { payments: {} } }, payments: {} }.',
    })
  const names = Object.keys(services)
  if (names.length === 0)
    throw unexpected({ owner: `mesh "${name}"`, key: 'services' }, 'at least one service', services, {
      code,
      fix: 'Write services: { orders: { calls: { payments: {} } }, payments: {} }.',
    })
  for (const service of names) {
    const given = services[service]
    checkServiceName(service, isPlainObject(given) && given['url'] !== undefined)
    serviceOptions(given, { owner: 'services', key: service })
    checkCallees(pathOf({ owner: 'services', key: service }), given as ServiceOptions, { name, services: names })
  }
  checkTcpCalls(services as MeshOptions['services'])
  checkOrigins(services as MeshOptions['services'])
}
