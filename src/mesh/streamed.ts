import { edgeName } from '../call/call.ts'
import type { Fabric } from './fabric.ts'

/**
 * Whether requests on an edge may come as streams: the service takes them so, and nothing on the way may have to send the
 * body a second time (a retry of the mesh) or after its caller has left (an asynchronous edge).
 */
export function streamsRequests(fabric: Fabric, caller: string, callee: string): boolean {
  if (fabric.findService(callee)?.options.requestBodies !== 'streamed') return false
  const edge = fabric.findEdge(edgeName(caller, callee))
  if (!edge || edge.options.mode === 'async') return false
  const arePoliciesOn = !fabric.isUnderTest(caller) || fabric.findService(caller)?.options.sidecar === true
  return !(arePoliciesOn && edge.options.retry !== undefined)
}
