import { replyFrom } from '../../call/reply-spec.ts'
import type { FaultBehaviour } from '../fault.ts'

export interface AbortOptions {
  /** Default 503. */
  status?: number
  json?: unknown
  text?: string
  headers?: Record<string, string>
}

/** Answers in the service's place; the service never sees the request. */
export function abort({ status = 503, json, text: own, headers }: AbortOptions): FaultBehaviour {
  const content = {
    ...(json !== undefined && { json }),
    ...(own !== undefined && { text: own }),
    ...(headers && { headers }),
  }
  const hasOwnContent = Object.keys(content).length > 0
  // 204 and 304 have no body by definition.
  const text = hasOwnContent || status === 204 || status === 304 ? {} : { text: 'fault filter abort' }
  const spec = { status, ...content, ...text }
  const reply = Object.freeze({ ...replyFrom(spec), via: 'fault' as const })
  return { kind: 'abort', options: { status }, act: async () => reply }
}
