import type { Call } from '../../call/call.ts'
import { failed } from '../../call/reply.ts'
import type { Body, Reply } from '../../call/reply.ts'
import type { FaultBehaviour, FaultContext } from '../fault.ts'
import { isStream, travelling } from './body.ts'

export interface PacketLossOptions {
  /** Probability that a packet is lost, 0 to 100. (The share of the calls is no option here: each call's packets are drawn.) */
  percent: number
  /** Losses of one packet after which the connection breaks. Default 16: the first try and Linux' 15 retransmissions. */
  losses?: number
}

/** RFC 6298 has 1 s; Linux goes down to TCP_RTO_MIN, which is what a short round trip gives. */
const firstTimeoutMs = 200
/** RFC 6298 (2.5) and TCP_RTO_MAX. */
const longestTimeoutMs = 120_000
/** What an Ethernet segment carries: 1,500 bytes without the headers of IPv4 and TCP. */
const segmentBytes = 1_460
/** A lost packet with three others behind it is sent again at once (RFC 5681, fast retransmit): only the last three wait. */
const lastSegments = 3

/** Of a stream nobody knows. */
const lengthOf = (body: Body) => (body === null || isStream(body) ? 0 : body.byteLength)

/** How long a packet that is lost so many times in a row arrives late: each time-out is twice the one before (RFC 6298, 5.5). */
export function retransmissionDelayMs(losses: number): number {
  let ms = 0
  for (let i = 0; i < losses; i++) ms += Math.min(firstTimeoutMs * 2 ** i, longestTimeoutMs)
  return ms
}

/**
 * What lost packets look like to HTTP: TCP sends them again, so nothing fails, but some answers are late by 200, 600, 1,400 ms
 * and so on. Only a packet that is lost again and again ends the connection.
 *
 * Of each direction the last three segments of the message count, each of which is lost with the given probability each time
 * that it is sent; the leg waits for the one that was lost most often. Acknowledgements, the handshake (connections are taken to be
 * open) and congestion are left out.
 */
export function packetLoss(
  { percent, losses: limit = 16 }: PacketLossOptions,
  { clock, stopping, random }: FaultContext,
): FaultBehaviour {
  const lostInARow = ({ edge, attempt, nth }: Call, packet: string) => {
    let lost = 0
    while (lost < limit && random.draw('packet-loss', `${edge}/${attempt}/${packet}/${lost}`, nth) * 100 < percent)
      lost++
    return lost
  }
  /** Waits for one direction of the exchange; false when the connection breaks. */
  const travels = async (call: Call, leg: 'request' | 'reply', bodyBytes: number): Promise<boolean> => {
    // The head travels with the beginning of the body.
    const segments = Math.min(lastSegments, Math.max(1, Math.ceil(bodyBytes / segmentBytes)))
    const worst = Math.max(...Array.from({ length: segments }, (_, i) => lostInARow(call, `${leg}/${i}`)))
    await clock.sleep(retransmissionDelayMs(worst), stopping)
    return worst < limit
  }
  const broken = (processed: boolean) =>
    failed('reset', { processed, message: `a packet was lost ${limit} times in a row` })
  return {
    kind: 'packet-loss',
    options: { percent, ...(limit !== 16 && { losses: limit }) },
    act: async (call, next): Promise<Reply> => {
      if (!(await travels(call, 'request', lengthOf(call.body)))) return broken(false)
      if (stopping.aborted) return failed('aborted')
      const reply = await next(call)
      if (reply.outcome !== 'answered') return reply
      return (await travels(call, 'reply', lengthOf(travelling(call, reply)))) ? reply : broken(true)
    },
  }
}
