import type { Call } from '../../call/call.ts'
import type { HeaderList } from '../../call/call.ts'
import type { Reply } from '../../call/reply.ts'
import type { FaultContext } from '../fault.ts'
import { isStream, travelling } from './body.ts'

/** Of the bytes at hand, how many travel next, and how long they take. Told how many have arrived so far. */
export type Pace = (arrived: number, atHand: number) => { readonly bytes: number; readonly takesMs: number }

/** The reply with a body that comes at this pace, on the mesh's clock; a promised length stays promised. */
export function paced(call: Call, reply: Reply, pace: Pace, context: FaultContext): Reply {
  if (reply.outcome !== 'answered') return reply
  const body = travelling(call, reply)
  if (body === null) return reply
  const headers = isStream(body) ? reply.headers : withLength(reply.headers, body.byteLength)
  return Object.freeze({ ...reply, headers, body: pacedBody(call, body, pace, context) })
}

function withLength(headers: HeaderList, length: number): HeaderList {
  const isFramed = headers.some(([name]) => name === 'content-length' || name === 'transfer-encoding')
  return isFramed ? headers : [...headers, ['content-length', String(length)]]
}

function pacedBody(
  call: Call,
  body: Uint8Array | ReadableStream<Uint8Array>,
  pace: Pace,
  { clock, stopping, record }: FaultContext,
): ReadableStream<Uint8Array> {
  const source = isStream(body) ? body.getReader() : undefined
  const left = new AbortController()
  const watched = [call.signal, stopping]
  let atHand = isStream(body) ? new Uint8Array() : body
  let arrived = 0
  let isBegun = false
  /** When the last piece was due. */
  let dueMs = -Infinity

  /** The caller went away in the middle; it must be known, for the call itself has been answered. */
  const givenUp = () => {
    if (isBegun && !stopping.aborted && !left.signal.aborted)
      record('call.given-up', { call: call.id, edge: call.edge })
  }

  const wait = async (ms: number) => {
    const leave = () => {
      givenUp()
      left.abort(watched.find(({ aborted }) => aborted)?.reason)
    }
    if (watched.some(({ aborted }) => aborted)) return leave()
    for (const signal of watched) signal.addEventListener('abort', leave, { once: true })
    if (ms > 0) await clock.sleep(ms, left.signal)
    for (const signal of watched) signal.removeEventListener('abort', leave)
  }

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (!isBegun) dueMs = clock.now()
        isBegun = true
        while (source && atHand.byteLength === 0) {
          const { done, value } = await source.read()
          if (left.signal.aborted) return
          if (done) return controller.close()
          atHand = value
          // Nothing travels before it is there.
          dueMs = Math.max(dueMs, clock.now())
        }
        const { bytes, takesMs } = pace(arrived, atHand.byteLength)
        // What a slow reader left waiting does not come in a burst: it may catch up by one piece, which timers are late by.
        dueMs = Math.max(dueMs, clock.now() - takesMs) + takesMs
        await wait(dueMs - clock.now())
        if (left.signal.aborted) {
          source?.cancel(left.signal.reason).catch(() => {})
          // Of no effect on a stream that was cancelled, which is the other way to get here.
          return controller.error(left.signal.reason)
        }
        controller.enqueue(atHand.subarray(0, bytes))
        atHand = atHand.subarray(bytes)
        arrived += bytes
        if (!source && atHand.byteLength === 0) controller.close()
      },
      async cancel(reason) {
        givenUp()
        left.abort(reason)
        await source?.cancel(reason)
      },
    },
    // Nothing is prepared for a reader that has not asked: time begins with the first read.
    { highWaterMark: 0 },
  )
}
