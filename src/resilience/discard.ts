import type { Reply } from '../call/reply.ts'

/** Lets go of a reply that nobody will read, so that a streamed body does not stay open behind it. */
export function discard(reply: Reply): void {
  if (reply.outcome === 'answered') reply.upgrade?.discard()
  if (reply.outcome !== 'answered' || reply.body === null || !('cancel' in reply.body) || reply.body.locked) return
  // A stream that has failed rejects its cancellation; nobody is left to hear of it.
  reply.body.cancel().catch(() => {})
}
