import type { Subject } from '../journal/subject.ts'
import { counted, formatMs } from './evidence.ts'
import type { Attempt } from './traffic.ts'
import type { Transition } from './transition.ts'
import { unseenRefusals } from './unseen-refusals.ts'
import { witnessesOf } from './witnesses.ts'

export interface InferredCircuit {
  readonly transitions: readonly Transition[]
  /** What each opening rests on. */
  readonly grounds: readonly string[]
  /** Why it cannot be told whether the circuit opened, when something looks like it but nothing proves it. */
  readonly doubt?: string
}

type Ended = Attempt & { readonly endedSeq: number; readonly endedMs: number }

/** What the quiet after a call says: nothing, an opening (proved, or by time alone), or something in between. */
type Reading = { kind: 'none' } | { kind: 'proved' | 'by-time' | 'doubtful'; why: string }
/** Where the reading of the traffic stands: how many failures in a row, or what the opening rests on. */
type Reckoning = { state: 'closed'; run: number } | { state: 'open'; proved: boolean; failures: number }

const nothing: Reading = { kind: 'none' }

/** Fewer failures than this in a row are not taken for the cause of a silence. */
const fewestFailures = 2
/** A silence stands out when it is this many times as long as any of at least so many gaps before it. */
const silenceFactor = 2
const fewestGaps = 3
/** Real traffic in a tight loop has gaps of a millisecond or two, of which any jitter is a multiple. */
const shortestSilenceMs = 100
/** The rhythm is that of the latest gaps; the look back is bounded as well. */
const latest = 50

/**
 * Reads the breaker of a caller off the traffic on its edge, when nobody tells its state.
 *
 * An opening is: failures in a row (two at least), then a silence. The silence counts when the caller was asked meanwhile
 * and sent nothing (calls to it on routes that always ended in a call on this edge), which is proof; or, when nobody is
 * seen calling the caller, when it is at least 100 ms and twice as long as any gap before and ends with a single trial,
 * followed by resumption or by another silence. A silence in which a visible caller was not asked proves nothing and is told as a
 * doubt, as is one at the end of the journal that nobody witnessed. Gaps that grow steadily are taken for a backoff.
 */
export function inferCircuit(subject: Subject, attempts: readonly Attempt[]): InferredCircuit {
  const arrivals = attempts.filter((attempt) => !attempt.rejected)
  const witnesses = witnessesOf(subject, arrivals)
  const transitions: Transition[] = []
  const grounds: string[] = []
  let doubt: string | undefined
  let firstOpening = Infinity
  let gaps: number[] = []
  let circuit: Reckoning = { state: 'closed', run: 0 }
  // Half a step, so that a change stands just before the trial, or just after the answer, that shows it.
  const atStart = ({ seq, startedMs }: Attempt) => ({ seq: seq - 0.5, t: startedMs })
  const atEnd = ({ endedSeq, endedMs }: Ended) => ({ seq: endedSeq + 0.5, t: endedMs })
  const refute = (failures: number) => {
    while (transitions.pop()?.from !== 'closed');
    grounds.pop()
    doubt ??= `calls paused after ${counted(failures, 'failure')} in a row, but what followed is not a single trial of a circuit`
  }

  for (const [index, arrival] of arrivals.entries()) {
    const next = arrivals[index + 1]
    if (!isEnded(arrival)) {
      if (circuit.state === 'open' && circuit.proved)
        transitions.push({ ...atStart(arrival), from: 'open', to: 'half-open', reason: 'a trial is in flight' })
      else if (circuit.state === 'open') refute(circuit.failures)
      break
    }
    const reading = arrival.failed
      ? readSilence(subject, arrivals, index, gaps, {
          visible: witnesses.visible,
          between: (from, to) => witnesses.between(from, to, Math.min(firstOpening, arrival.endedSeq)),
        })
      : nothing
    const isSilent = reading.kind === 'proved' || reading.kind === 'by-time'

    if (circuit.state === 'open') {
      // By time alone, a pause of the caller looks the same as an opening until what follows it fits as well.
      const alone = next === undefined || next.startedMs >= arrival.endedMs
      if (circuit.proved || (alone && (arrival.failed ? isSilent : next !== undefined))) {
        transitions.push({ ...atStart(arrival), from: 'open', to: 'half-open', reason: 'a trial after the silence' })
        transitions.push(
          arrival.failed
            ? { ...atEnd(arrival), from: 'half-open', to: 'open', reason: 'the trial failed', failures: 1 }
            : { ...atEnd(arrival), from: 'half-open', to: 'closed', reason: 'the trial succeeded' },
        )
        circuit = arrival.failed
          ? { state: 'open', proved: true, failures: circuit.failures }
          : { state: 'closed', run: 0 }
      } else {
        refute(circuit.failures)
        circuit = { state: 'closed', run: arrival.failed ? 1 : 0 }
      }
      continue
    }

    const run: number = arrival.failed ? circuit.run + 1 : 0
    circuit = { state: 'closed', run }
    if (run >= fewestFailures && reading.kind === 'doubtful')
      doubt ??= `after ${counted(run, 'failure')} in a row ${reading.why}`
    if (run >= fewestFailures && (reading.kind === 'proved' || reading.kind === 'by-time')) {
      transitions.push({ ...atEnd(arrival), from: 'closed', to: 'open', reason: reading.why, failures: run })
      grounds.push(`after ${counted(run, 'failure')} in a row ${reading.why}`)
      firstOpening = Math.min(firstOpening, arrival.endedSeq)
      circuit = { state: 'open', proved: reading.kind === 'proved', failures: run }
    } else if (next) gaps = [...gaps.slice(1 - latest), next.startedMs - arrival.startedMs]
  }
  doubt ??= unseenRefusals(subject)
  return { transitions, grounds, ...(doubt !== undefined && grounds.length === 0 && { doubt }) }
}

const isEnded = (attempt: Attempt): attempt is Ended => attempt.endedSeq !== undefined

/** Reads the time after an arrival in which nothing is on the edge, up to the next arrival or the end of the journal. */
function readSilence(
  { journal, name }: Subject,
  arrivals: readonly Attempt[],
  index: number,
  gaps: readonly number[],
  witnesses: { visible: boolean; between(fromSeq: number, toSeq: number): number },
): Reading {
  const recent = arrivals.slice(Math.max(0, index + 1 - latest), index + 1)
  const ended = recent.filter(isEnded)
  if (ended.length < recent.length) return nothing
  const from = ended.reduce((last, arrival) => (arrival.endedSeq > last.endedSeq ? arrival : last))
  const next = arrivals[index + 1]
  const last = journal.entries.at(-1)!
  const toSeq = next?.seq ?? last.seq + 1
  if (toSeq < from.endedSeq) return nothing

  const [caller, callee] = name.split('->')
  const asked = witnesses.between(from.endedSeq, toSeq)
  if (asked > 0)
    return {
      kind: 'proved',
      why: `${caller} was called ${asked === 1 ? 'once' : `${asked} times`} more without sending anything to ${callee}`,
    }
  if (!next)
    return { kind: 'doubtful', why: `nothing more was sent, and nothing shows that ${caller} was asked meanwhile` }
  const silentMs = next.startedMs - from.endedMs
  const longest = Math.max(...gaps)
  const standsOut = gaps.length >= fewestGaps && silentMs >= shortestSilenceMs && silentMs >= silenceFactor * longest
  if (!standsOut || growsLikeBackoff([...gaps.slice(-2), silentMs])) return nothing
  const silence = `nothing was sent for ${formatMs(silentMs)}`
  return witnesses.visible
    ? { kind: 'doubtful', why: `${silence}, but ${caller} was not called meanwhile` }
    : {
        kind: 'by-time',
        why: `${silence} where no pause was longer than ${formatMs(longest)} (who asks ${caller} is not seen)`,
      }
}

const growsLikeBackoff = ([first = 0, second = 0, third = 0]: readonly number[]) =>
  first > 0 && second >= 1.4 * first && third / second <= 1.5 * (second / first)
