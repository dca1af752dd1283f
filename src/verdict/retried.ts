import type { Subject } from '../journal/subject.ts'
import type { Verdict } from '../journal/verdict.ts'
import { attemptRows, formatMs, listed, timeline, times } from './evidence.ts'
import type { Attempt, EdgeCall } from './traffic.ts'
import { attemptsOn, callsOn, factsOf } from './traffic.ts'
import { unseenRefusals } from './unseen-refusals.ts'

export interface RetriedExpectation {
  /** Retries after the first try, of the call that was retried most. Default: one at least. */
  attempts?: number
  /**
   * The waits before the retries, in milliseconds: bounds for each of them, or all of them in order (then there were as many
   * retries as numbers). A wait that the mesh decided must fit to the millisecond; one measured on the code under test may be
   * 1 ms shorter and, unless time is virtual, 25 ms or 20 % longer, whichever is more.
   */
  backoff?: { minMs?: number; maxMs?: number } | readonly number[]
}

interface Wait {
  readonly ms: number
  readonly measured: boolean
}

/** The tries of one call, or, in the code under test, the calls that repeat a failed one. */
interface Series {
  readonly tries: readonly Attempt[]
  readonly waits: readonly Wait[]
}

/**
 * Whether calls on an edge were retried. Retries of the mesh are read. The code under test retries by calling again, so on its
 * edges a call counts as a retry of the last one if that had failed and both have the same method, path, parent call and
 * trace, where there is one; a test that itself repeats a failing call looks the same.
 */
export function retried(subject: Subject, expected: RetriedExpectation = {}): Verdict {
  const attempts = attemptsOn(subject).filter(({ rejected }) => !rejected)
  const byMesh = attempts.some(({ retry }) => retry > 0)
  const inferred = !byMesh && factsOf(subject)?.callerUnderTest === true
  const series = inferred ? repeatedCalls(attempts, callsOn(subject)) : triesOfCalls(subject, attempts)
  const most = Math.max(0, ...series.map(({ waits }) => waits.length))
  const { attempts: wanted, backoff } = expected
  const wrongWait = backoff && series.map((one) => misfit(one, backoff, subject.clock.mode === 'virtual')).find(Boolean)
  const count = wanted ?? (Array.isArray(backoff) ? backoff.length : undefined)
  const waits = series.find((one) => one.waits.length === most)?.waits ?? []
  const found =
    attempts.length === 0
      ? 'nothing was sent'
      : most === 0
        ? 'no call was retried'
        : `${series.length === 1 ? 'the call was retried' : 'the most retried call was retried'} ${times(most)}, after ${listed(waits.map(({ ms }) => formatMs(ms)))}`
  const ok = attempts.length > 0 && !wrongWait && (count === undefined ? most > 0 : most === count)
  const unseen = ok ? undefined : unseenRefusals(subject)
  return {
    ok,
    ...(unseen !== undefined && { undecided: true }),
    summary: unseen
      ? `it cannot be told: ${unseen}`
      : `${found}${wrongWait ? `; ${wrongWait}` : ''}${inferred ? ' (inferred from repeated calls of the code under test)' : ''}`,
    evidence: timeline(attemptRows(series.flatMap(({ tries }) => tries.map((one, retry) => ({ ...one, retry }))))),
    ...(count !== undefined && { expected: count, actual: most }),
  }
}

/** Calls in between that a retry of the code under test is looked for behind. */
const lookBack = 100

function triesOfCalls({ journal, name }: Subject, attempts: readonly Attempt[]): Series[] {
  const scheduled = new Map(
    journal.where({ type: 'retry.scheduled', edge: name }).map((entry) => [`${entry.call}#${entry.attempt}`, entry]),
  )
  const byCall = new Map<string, Attempt[]>()
  for (const one of attempts) byCall.set(one.call, [...(byCall.get(one.call) ?? []), one])
  return [...byCall.values()].map((tries) => ({
    tries,
    waits: tries.slice(1).map((one, i) => {
      const decided = scheduled.get(`${one.call}#${one.retry}`)
      return decided ? { ms: decided.delayMs, measured: false } : measured(tries[i]!, one)
    }),
  }))
}

function repeatedCalls(attempts: readonly Attempt[], calls: readonly EdgeCall[]): Series[] {
  const byId = new Map(calls.map((call) => [call.id, call]))
  const series: Attempt[][] = []
  for (const one of attempts) {
    const open = series.slice(-lookBack).findLast((tries) => continues(tries.at(-1)!, one, byId))
    if (open) open.push(one)
    else series.push([one])
  }
  return series.map((tries) => ({ tries, waits: tries.slice(1).map((one, i) => measured(tries[i]!, one)) }))
}

function continues(last: Attempt, one: Attempt, calls: ReadonlyMap<string, EdgeCall>): boolean {
  if (!last.failed || last.endedSeq! > one.seq || last.method !== one.method || last.path !== one.path) return false
  const [before, after] = [calls.get(last.call), calls.get(one.call)]
  const traces = [before, after].map((call) => call?.traceparent?.split('-')[1])
  return before?.parent === after?.parent && (!traces[0] || !traces[1] || traces[0] === traces[1])
}

const measured = (last: Attempt, next: Attempt): Wait => ({
  ms: next.startedMs - (last.endedMs ?? last.startedMs),
  measured: true,
})

/** The first wait that does not fit, in words. */
function misfit(
  { waits }: Series,
  backoff: NonNullable<RetriedExpectation['backoff']>,
  isVirtual: boolean,
): string | undefined {
  for (const [i, { ms, measured: isMeasured }] of waits.entries()) {
    const [minMs, maxMs] = isList(backoff) ? [backoff[i], backoff[i]] : [backoff.minMs ?? 0, backoff.maxMs ?? Infinity]
    if (minMs === undefined || maxMs === undefined) return undefined
    const early = isMeasured ? 1 : 0.5
    const late = isMeasured && !isVirtual ? Math.max(25, maxMs * 0.2) : early
    if (ms < minMs - early || ms > maxMs + late) {
      const wanted = isList(backoff) ? formatMs(minMs) : backoffText(backoff)
      return `the wait before retry ${i + 1} was ${formatMs(ms)}, not ${wanted}`
    }
  }
  return undefined
}

/** `50 to 100 ms`, `at most 100 ms`, or the list. */
export function backoffText(backoff: NonNullable<RetriedExpectation['backoff']>): string {
  if (isList(backoff)) return listed(backoff.map(formatMs))
  const { minMs, maxMs } = backoff
  if (minMs === undefined) return `at most ${maxMs} ms`
  return maxMs === undefined ? `at least ${minMs} ms` : `${minMs} to ${maxMs} ms`
}

const isList = (value: NonNullable<RetriedExpectation['backoff']>): value is readonly number[] => Array.isArray(value)
