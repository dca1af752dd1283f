import type { ReplySpec } from '../topology/options.ts'
import { replySpec } from '../topology/validate-reply.ts'
import { answered, type AnsweredReply } from './reply.ts'

/**
 * The reply that a {@link ReplySpec} writes down: a bare number is that status with an empty body, an object answers 200
 * unless it says otherwise. A header with several values becomes repeated pairs, in order. `delayMs` is not waited here:
 * see {@link replyDelayMs}.
 *
 * @throws MeshError `MESH_INVALID_OPTION` for a spec that no client could be shown: a status outside 200 to 599, a body
 * with 204, several bodies, a `json` that JSON cannot carry.
 */
export function replyFrom(spec: ReplySpec): AnsweredReply {
  replySpec(spec, { owner: '', key: 'reply' })
  const { status = 200, json, text, body, headers = {} } = typeof spec === 'number' ? { status: spec } : spec
  return answered(status, {
    json,
    text,
    body,
    headers: Object.entries(headers).flatMap(([name, value]) =>
      [value].flat().map((one) => [name.toLowerCase(), one] as const),
    ),
  })
}

/** How long to wait before this answer, in milliseconds. Whoever gives the answer waits, on the mesh's clock. */
export const replyDelayMs = (spec: ReplySpec): number => (typeof spec === 'number' ? 0 : (spec.delayMs ?? 0))
