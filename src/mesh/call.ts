import { currentScope } from '../call/scope.ts'
import { MeshError } from '../errors.ts'
import { didYouMean } from '../nearest.ts'
import { incomingFrom } from './mesh.ts'
import type { CallInit } from './mesh.ts'

export type { CallInit }

/** Builds `call`; `respond` turns a reply into what `fetch` would give. */
export const createCall =
  (respond: (reply: Awaited<ReturnType<import('../call/door.ts').Door['enter']>>, url: string) => Response) =>
  async (service: string, path: string, init: CallInit = {}): Promise<Response> => {
    const scope = currentScope()
    if (!scope)
      throw new MeshError('MESH_NO_MESH', `call('${service}') was made outside a handler and outside a mesh's test`, {
        fix: `In a test, use mesh.call('from', '${service}', '${path}').`,
      })
    const { door } = scope
    const url = `${door.originOf(service) ?? unknown(service, door.services())}${path}`
    const reply = await door.enter(
      incomingFrom(init, {
        caller: scope.service ?? door.defaultCaller,
        callee: service,
        origin: scope.service === undefined ? 'in-process' : 'handler',
        path,
        url,
        ...(scope.parent && { parent: scope.parent }),
        ...(scope.trace && { trace: scope.trace() }),
      }),
    )
    return respond(reply, url)
  }

function unknown(service: string, known: readonly string[]): never {
  throw new MeshError('MESH_UNKNOWN_SERVICE', `call: no service "${service}".${didYouMean(service, known)}`, {
    details: [`Services: ${known.join(', ')}`],
  })
}
