import type { Call } from '../../call/call.ts'
import { failed } from '../../call/reply.ts'
import type { Random } from '../../random/random.ts'
import type { FaultBehaviour } from '../fault.ts'

export interface GarbageOptions {
  /** What is sent, as bytes or as text. Default: 64 bytes that the seed decides, of which no client makes an answer. */
  bytes?: Uint8Array | string
}

const drawnBytes = 64
// Printable, and without H, I and R, with which HTTP, ICE and RTSP begin: what comes is an error in every client, and the same.
const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789!#$%&()*+,-./;<=>?@[]^_{|}~'
const encoder = new TextEncoder()

/** Bytes that are no HTTP in place of an answer, then a FIN. The service never sees the request. */
export function garbage({ bytes }: GarbageOptions, { random }: { readonly random: Random }): FaultBehaviour {
  const given = typeof bytes === 'string' ? encoder.encode(bytes) : bytes?.slice()
  const drawn = ({ edge, attempt, nth }: Call) =>
    encoder.encode(
      Array.from({ length: drawnBytes }, (_, at) => {
        const draw = random.draw('garbage', `${edge}/${attempt}/${at}`, nth)
        return alphabet[Math.floor(draw * alphabet.length)]
      }).join(''),
    )
  return {
    kind: 'garbage',
    options: given ? { bytes: given.byteLength } : {},
    act: async (call) => {
      const sent = given ?? drawn(call)
      const message = `${sent.byteLength} bytes that are no HTTP came in place of an answer`
      return failed('garbage', { message, processed: false, bytes: sent })
    },
  }
}
