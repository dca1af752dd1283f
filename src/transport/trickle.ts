import type { ServerResponse } from 'node:http'
import type { Clock } from '../time/clock.ts'

/** A byte comes at least this often, so that a client's limit for a silent connection is not reached while the head trickles. */
const longestPauseMs = 100

interface Trickle {
  /** From the first byte of the head to its last. */
  readonly ms: number
  readonly clock: Clock
  /** Aborts when the client goes away. */
  readonly gone: AbortSignal
  /** Absent where everything is framed (HTTP/2): then the head comes in one piece, when its time is over. */
  readonly raw: ((bytes: string) => void) | undefined
  /** Waits on the mesh's clock. */
  sleep(ms: number): Promise<void>
}

/** What Node renders of a head before it is sent; neither is documented, and neither has changed since they came to be. */
interface Rendered {
  _header?: string | null
  _headerSent?: boolean
}

/**
 * Sends the head of a response piece by piece; `render` makes Node write it down without sending it. The response goes on as if it
 * had sent the head itself.
 */
export async function trickle(
  response: ServerResponse,
  render: () => void,
  { ms, clock, gone, raw, sleep }: Trickle,
): Promise<void> {
  if (!raw) return sleep(ms)
  render()
  const rendered = response as Rendered
  const head = rendered._header
  if (typeof head !== 'string') return sleep(ms)
  // Set first: whatever becomes of this response, its head must not be sent a second time.
  rendered._headerSent = true
  // The first piece comes at once, the last one after `ms`; none is empty.
  const pieces = Math.min(head.length, 1 + Math.max(1, Math.ceil(ms / longestPauseMs)))
  const endOf = (piece: number) => Math.round((piece * head.length) / pieces)
  const startMs = clock.now()
  for (let piece = 1; piece <= pieces; piece++) {
    const waitMs = startMs + ((piece - 1) * ms) / (pieces - 1) - clock.now()
    if (waitMs > 0) await sleep(waitMs)
    if (gone.aborted) return
    raw(head.slice(endOf(piece - 1), endOf(piece)))
  }
}
