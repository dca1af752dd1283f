import type { FilterContext } from '../call/filter.ts'
import { MeshError } from '../errors.ts'
import type { CircuitStateName } from '../journal/entry.ts'
import { describeValue } from '../nearest.ts'

type Observer = Pick<FilterContext, 'edge' | 'record' | 'clock'>
type Listener = (value: unknown) => void

/** The part of a cockatiel circuit breaker that is listened to. */
interface CockatielBreaker {
  readonly state: number
  readonly onBreak: CockatielEvent
  readonly onReset: CockatielEvent
  readonly onHalfOpen: CockatielEvent
  toJSON?(): unknown
}
type CockatielEvent = (listener: Listener) => { dispose(): void }

/** The part of an opossum circuit breaker that is listened to. */
interface OpossumBreaker {
  readonly opened: boolean
  readonly halfOpen: boolean
  readonly stats?: { readonly failures?: number }
  on(event: string, listener: Listener): unknown
  removeListener(event: string, listener: Listener): unknown
}

/**
 * Writes the life of a breaker that belongs to the code under test into the journal: `circuit.changed` with source
 * `observed`, and for opossum `circuit.rejected` too (cockatiel has no event for a rejection). The breaker itself is not
 * changed. Returns the undo, which takes all listeners away.
 *
 * Takes a circuit breaker of cockatiel (or a policy that wraps one) or of opossum, recognised by shape: the code under
 * test may load another copy of either.
 *
 * @throws MeshError `MESH_INVALID_OPTION` for anything else.
 */
export function observeBreaker(breaker: unknown, observer: Observer): () => void {
  const wrapped = [breaker, ...wrappedIn(breaker)].find(isCockatielBreaker)
  if (wrapped) return observeCockatiel(wrapped, observer)
  if (isOpossumBreaker(breaker)) return observeOpossum(breaker, observer)
  const members = isObject(breaker) ? Object.keys(breaker).slice(0, 12) : []
  throw new MeshError('MESH_INVALID_OPTION', `observe: expected a circuit breaker, got ${describeValue(breaker)}`, {
    details: members.length > 0 ? [`It has: ${members.join(', ')}`] : [],
    fix: 'Hand in the breaker itself: cockatiel (circuitBreaker(...), or a wrap(...) around it) or opossum (new CircuitBreaker(...)).',
  })
}

const stateNames: readonly CircuitStateName[] = ['closed', 'open', 'half-open', 'isolated']

function observeCockatiel(breaker: CockatielBreaker, observer: Observer): () => void {
  const change = transitions(stateNames[breaker.state]!, observer)
  const subscriptions = [
    breaker.onBreak((cause) =>
      isObject(cause) && cause['isolated'] === true
        ? change('isolated', 'isolated')
        : change('open', causeOf(cause), failuresCountedBy(breaker)),
    ),
    // Not onStateChange: that one comes only after the trial has been sent.
    breaker.onHalfOpen(() => change('half-open')),
    breaker.onReset(() => change('closed', 'reset by its breaker')),
  ]
  return () => subscriptions.forEach((subscription) => subscription.dispose())
}

function observeOpossum(breaker: OpossumBreaker, observer: Observer): () => void {
  const change = transitions(breaker.opened ? 'open' : breaker.halfOpen ? 'half-open' : 'closed', observer)
  const listeners: Record<string, () => void> = {
    open: () => {
      const failures = breaker.stats?.failures ?? 0
      if (failures > 0) change('open', `${failures} failed calls in its window`, failures)
      else change('open', 'opened by hand')
    },
    halfOpen: () => change('half-open'),
    close: () => change('closed', 'closed by its breaker'),
    reject: () => observer.record('circuit.rejected', { edge: observer.edge, source: 'observed' }),
  }
  for (const [event, listener] of Object.entries(listeners)) breaker.on(event, listener)
  return () => {
    for (const [event, listener] of Object.entries(listeners)) breaker.removeListener(event, listener)
  }
}

/** Records transitions, each with the state before it. Half-open needs no reason: it is the time that was spent open. */
function transitions(initial: CircuitStateName, { edge, record, clock }: Observer) {
  let from = initial
  let sinceMs = clock.now()
  return (to: CircuitStateName, reason?: string, failures?: number) => {
    const nowMs = clock.now()
    const spent = `open for ${Math.round(nowMs - sinceMs)} ms`
    // A trial that failed opens the circuit again by itself, whatever was counted before.
    const counted = failures === undefined || from === 'half-open' ? {} : { failures }
    record('circuit.changed', { edge, from, to, reason: reason ?? spent, ...counted, source: 'observed' })
    from = to
    sinceMs = nowMs
  }
}

/**
 * What a `ConsecutiveBreaker` has counted; the other kinds keep windows. The mesh cannot count it itself: a time-out of
 * the code under test opens the circuit before the mesh hears that the call was given up.
 */
function failuresCountedBy(breaker: CockatielBreaker): number | undefined {
  const state = breaker.toJSON?.()
  const counted = isObject(state) ? state['breakerState'] : undefined
  return Number.isInteger(counted) ? (counted as number) : undefined
}

/** cockatiel says why it broke: the error that was thrown, or the value that was returned. */
function causeOf(cause: unknown): string {
  if (!isObject(cause)) return 'opened by its breaker'
  const { error } = cause
  if (isObject(error) && typeof error['message'] === 'string') return `a call failed: ${error['message']}`
  return `a call failed: ${describeValue('value' in cause ? cause['value'] : error)}`
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

const hasFunctions = (value: Record<string, unknown>, names: readonly string[]) =>
  names.every((name) => typeof value[name] === 'function')

const isCockatielBreaker = (value: unknown): value is CockatielBreaker =>
  isObject(value) &&
  hasFunctions(value, ['onBreak', 'onReset', 'onHalfOpen']) &&
  typeof value['state'] === 'number' &&
  value['state'] in stateNames

const isOpossumBreaker = (value: unknown): value is OpossumBreaker =>
  isObject(value) && hasFunctions(value, ['on', 'removeListener', 'fire']) && typeof value['opened'] === 'boolean'

/** The policies inside a `wrap(...)` of cockatiel, nested ones included. */
function wrappedIn(policy: unknown): unknown[] {
  if (!isObject(policy) || !Array.isArray(policy['wrapped'])) return []
  return policy['wrapped'].flatMap((inner: unknown) => [inner, ...wrappedIn(inner)])
}
