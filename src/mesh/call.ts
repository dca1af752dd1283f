import { currentScope } from '../call/scope.ts'
import { MeshError } from '../errors.ts'
import { didYouMean } from '../nearest.ts'
import { send } from './request.ts'
import type { CallInit, Respond } from './request.ts'

/** Builds `call`, which speaks as the service whose handler is running. */
export const createCall =
  (respond: Respond) =>
  async (service: string, path: string, init: CallInit = {}): Promise<Response> => {
    const scope = currentScope()
    if (!scope)
      throw new MeshError('MESH_NO_MESH', `call('${service}') was made outside a handler and outside a mesh's test`, {
        fix: `In a test, use mesh.call('from', '${service}', '${path}').`,
      })
    const { door, parent, trace } = scope
    const url = `${door.originOf(service) ?? unknown(service, door.services())}${path}`
    const where = {
      caller: scope.service ?? door.defaultCaller,
      callee: service,
      origin: scope.service === undefined ? ('in-process' as const) : ('handler' as const),
      path,
      url,
      ...(parent && { parent }),
      ...(trace && { trace: trace() }),
    }
    return send(door, init, where, respond)
  }

function unknown(service: string, known: readonly string[]): never {
  throw new MeshError('MESH_UNKNOWN_SERVICE', `call: no service "${service}".${didYouMean(service, known)}`, {
    details: [`Services: ${known.join(', ')}`],
  })
}
