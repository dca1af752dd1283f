import type { CallMode } from '../../src/call/call.ts'
import type { Outcome } from '../../src/call/reply.ts'
import type { CircuitStateName, EntryData, EntryType } from '../../src/journal/entry.ts'
import { createJournal } from '../../src/journal/journal.ts'
import type { EdgeFacts } from '../../src/journal/subject.ts'
import { subjectKind } from '../../src/journal/subject.ts'
import type { Clock, ClockMode } from '../../src/time/clock.ts'
import { sleepOn } from '../../src/time/clock.ts'
import type { EdgeSubject, MeshSubject, ServiceSubject } from '../../matchers/subjects.ts'

/** How a try ended: a status, or what kept it from being answered. */
export type End = number | Exclude<Outcome, 'answered'>

export interface CallOptions {
  method?: string
  path?: string
  mode?: CallMode
  parent?: string
  traceparent?: string
  body?: unknown
  headers?: Record<string, string>
  /** How long each try takes. Default 0. */
  tookMs?: number
  /** The wait before each retry. Default 0. */
  backoffMs?: readonly number[]
  /** Leaves out `retry.scheduled`. */
  unscheduled?: boolean
  /** The status of the fallback that answers in the end. */
  fallback?: number
  /** A fault that hits each failed try. */
  fault?: string
  /** Runs while the callee answers, with the call's id: calls of its handler go here. */
  within?: (call: string) => void
}

export interface HistoryOptions {
  edges?: Partial<EdgeFacts>[]
  chance?: boolean
  seed?: string
  mode?: ClockMode
}

export type History = ReturnType<typeof createHistory>

/** A journal written by hand, with the handles on it that matchers and verdicts take. Time stands still unless `wait` moves it. */
export function createHistory({ edges = [], chance = false, seed = '42', mode = 'virtual' }: HistoryOptions = {}) {
  let nowMs = 0
  let lastCall = 0
  let timers: { atMs: number; fire: () => void }[] = []
  const journal = createJournal(() => nowMs)
  const clock: Clock = {
    mode,
    now: () => nowMs,
    timer(ms, fire) {
      const timer = { atMs: nowMs + ms, fire }
      timers.push(timer)
      return () => void (timers = timers.filter((other) => other !== timer))
    },
    sleep: (ms, signal) => sleepOn(clock, ms, signal),
  }
  const known = ['storefront->orders', 'orders->catalog', 'orders->payments', 'orders->emails']
  const edgeFacts = (name: string): EdgeFacts => {
    const [caller = '', callee = ''] = name.split('->')
    return {
      name,
      caller,
      callee,
      mode: 'sync',
      ownsCircuit: false,
      observed: false,
      callerUnderTest: false,
      shielded: false,
      policies: [],
      ...edges.find((edge) => edge.name === name),
    }
  }
  const facts = () => ({
    mesh: 'shop',
    seed,
    chance,
    services: ['storefront', 'orders', 'catalog', 'payments', 'emails'],
    edges: known.map(edgeFacts),
  })
  const record = <T extends EntryType>(type: T, data: EntryData[T]) => journal.record(type, data)

  const history = {
    journal,
    clock,
    record,
    /** Timers that wait on the clock: none are left behind by an assertion that ended. */
    timers: () => timers.length,
    wait(ms: number) {
      const untilMs = nowMs + ms
      for (;;) {
        const due = timers.filter(({ atMs }) => atMs <= untilMs).toSorted((a, b) => a.atMs - b.atMs)[0]
        if (!due) break
        timers = timers.filter((timer) => timer !== due)
        nowMs = due.atMs
        due.fire()
      }
      nowMs = untilMs
      return history
    },
    /** One call with its tries, the last of which is what the caller gets. Returns its id. */
    call(edge: string, ends: End | readonly End[] = 200, options: CallOptions = {}): string {
      const { method = 'POST', path = '/charges', parent, traceparent, tookMs = 0, fault } = options
      const call = String(++lastCall)
      const startedMs = nowMs
      const origin = parent === undefined ? 'in-process' : 'handler'
      record('call.started', {
        call,
        edge,
        mode: options.mode ?? 'sync',
        origin,
        method,
        path,
        ...(parent !== undefined && { parent }),
        ...(traceparent !== undefined && { traceparent }),
      })
      const all: readonly End[] = Array.isArray(ends) ? ends : [ends as End]
      all.forEach((end, attempt) => {
        if (attempt > 0) {
          const delayMs = options.backoffMs?.[attempt - 1] ?? 0
          if (!options.unscheduled)
            record('retry.scheduled', { call, edge, attempt, delayMs, reason: String(all[attempt - 1]) })
          history.wait(delayMs)
        }
        record('attempt.started', { call, edge, attempt })
        const arrives = typeof end === 'number' || end === 'timeout'
        if (fault !== undefined && failed(end)) record('fault.hit', { fault, kind: 'outage', call, edge, attempt })
        if (arrives)
          record('request.received', {
            call,
            edge,
            service: edge.split('->')[1]!,
            instance: 'a',
            attempt,
            method,
            path,
            headers: options.headers ?? {},
            ...('body' in options && { body: options.body }),
          })
        options.within?.(call)
        history.wait(tookMs)
        if (end === 'timeout') record('timeout.fired', { call, edge, attempt, afterMs: tookMs })
        record('attempt.ended', { call, edge, attempt, durationMs: tookMs, ...outcomeOf(end) })
      })
      const last = all.at(-1)!
      if (options.fallback !== undefined)
        record('fallback.used', { call, edge, reason: String(last), status: options.fallback })
      record('call.ended', {
        call,
        edge,
        durationMs: nowMs - startedMs,
        attempts: all.length,
        ...(options.fallback === undefined ? outcomeOf(last) : { ...outcomeOf(options.fallback), via: 'fallback' }),
      })
      return call
    },
    circuit(edge: string, change: string, more: Partial<EntryData['circuit.changed']> = {}) {
      const [from, to] = change.split(' -> ') as [CircuitStateName, CircuitStateName]
      record('circuit.changed', { edge, from, to, reason: 'it was told to', source: 'mesh', ...more })
      return history
    },
    fault: {
      inject: (fault: string, target: string) =>
        void record('fault.injected', { fault, kind: 'outage', target, options: {} }),
      revert: (fault: string) => void record('fault.reverted', { fault, kind: 'outage', reason: 'expired', hits: 1 }),
    },
    edge: (name: string): EdgeSubject => ({ [subjectKind]: 'edge', name, journal, clock, facts }),
    service: (name: string): ServiceSubject => ({ [subjectKind]: 'service', name, journal, clock, facts }),
    mesh: (): MeshSubject => ({ [subjectKind]: 'mesh', name: 'shop', journal, clock, facts }),
  }
  return history
}

const failed = (end: End) => typeof end !== 'number' || end >= 500

const outcomeOf = (end: End): { outcome: Outcome; status?: number } =>
  typeof end === 'number' ? { outcome: 'answered', status: end } : { outcome: end }
