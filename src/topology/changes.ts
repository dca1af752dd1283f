import { edgeName } from '../call/call.ts'
import { checkOrigins, checkServiceName } from './address.ts'
import { frozenCopy, frozenService } from './copy.ts'
import type { EdgeOptions, ServiceOptions } from './options.ts'
import { checkTcpCalls, checkTcpEdge } from './tcp.ts'
import { validateEdgeOptions, validateServiceOptions } from './validate.ts'

/** The services of a mesh by name. Never changed; these functions give changed copies. */
export type Services = { readonly [name: string]: ServiceOptions }

/** With a service added, or its options replaced; they are validated, and `mesh` is named where they are wrong. */
export function serviceAdded(mesh: string, services: Services, name: string, options: ServiceOptions): Services {
  const names = [...new Set([...Object.keys(services), name])]
  validateServiceOptions(`service "${name}"`, options, { name: mesh, services: names })
  checkServiceName(name, options.url !== undefined)
  const added = { ...services, [name]: frozenService(options) }
  checkTcpCalls(added)
  checkOrigins(added)
  return Object.freeze(added)
}

/** Without a service, and without the calls of others to it. */
export function serviceRemoved(services: Services, name: string): Services {
  const left = Object.entries(services).filter(([other]) => other !== name)
  return Object.freeze(Object.fromEntries(left.map(([other, options]) => [other, withoutCall(options, name)])))
}

/** With a call added, or its options replaced; they are validated. */
export function edgeAdded(services: Services, caller: string, callee: string, options: EdgeOptions): Services {
  validateEdgeOptions(edgeName(caller, callee), options)
  if (services[callee]?.tcp) checkTcpEdge(edgeName(caller, callee), callee, options)
  const before = services[caller]!
  const calls = Object.freeze({ ...before.calls, [callee]: frozenCopy(options) })
  return Object.freeze({ ...services, [caller]: Object.freeze({ ...before, calls }) })
}

export const edgeRemoved = (services: Services, caller: string, callee: string): Services =>
  Object.freeze({ ...services, [caller]: withoutCall(services[caller]!, callee) })

function withoutCall(options: ServiceOptions, callee: string): ServiceOptions {
  if (!options.calls || !Object.hasOwn(options.calls, callee)) return options
  const calls = Object.fromEntries(Object.entries(options.calls).filter(([name]) => name !== callee))
  return Object.freeze({ ...options, calls: Object.freeze(calls) })
}
