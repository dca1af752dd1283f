import {
  BrokenCircuitError,
  CircuitState as Phase,
  circuitBreaker,
  ConsecutiveBreaker,
  CountBreaker,
  handleAll,
  type IBreaker,
} from 'cockatiel'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { failed, type Reply } from '../../../src/call/reply.ts'
import { createCircuit } from '../../../src/resilience/circuit-breaker.ts'
import type { CircuitBreakerOptions } from '../../../src/topology/options.ts'
import { bench, ok, refused } from './bench.ts'

const openMs = 1_000

type Step = 'success' | 'failure' | number
/** Waits around the moment at which an open circuit lets a trial through are the interesting ones. */
const waitMs = fc.constantFrom(1, 250, openMs - 1, openMs, openMs + 1)
const steps = fc.array(
  fc.oneof({ weight: 3, arbitrary: fc.constantFrom<Step>('success', 'failure', 'failure') }, waitMs),
  {
    maxLength: 80,
    size: 'max',
  },
)

/**
 * What the circuit should do with calls that come one after the other, said in another way: not as a state machine, but
 * from the whole history since the circuit last closed.
 */
function referenceModel(breaks: (resultsSinceClosed: readonly boolean[]) => boolean) {
  let nowMs = 0
  let results: boolean[] = []
  let openedMs: number | undefined
  return {
    wait: (ms: number) => void (nowMs += ms),
    /** Whether the call is let through, and the state after it. */
    call(isSuccess: boolean): [isSent: boolean, state: string] {
      if (openedMs !== undefined && nowMs < openedMs + openMs) return [false, 'open']
      if (openedMs !== undefined) results = []
      results.push(isSuccess)
      const isTrial = openedMs !== undefined
      openedMs = isTrial ? (isSuccess ? undefined : nowMs) : !isSuccess && breaks(results) ? nowMs : undefined
      return [true, openedMs === undefined ? 'closed' : 'open']
    },
  }
}

const failuresIn = (results: readonly boolean[]) => results.filter((isSuccess) => !isSuccess).length
const tail = (results: readonly boolean[], n: number) => results.slice(-n)

interface Variant {
  readonly options: CircuitBreakerOptions
  readonly breaks: (results: readonly boolean[]) => boolean
  readonly cockatiel: () => IBreaker
}

const consecutive = fc.integer({ min: 1, max: 5 }).map((n): Variant => ({
  options: { consecutiveFailures: n, openMs },
  breaks: (results) => results.length >= n && failuresIn(tail(results, n)) === n,
  cockatiel: () => new ConsecutiveBreaker(n),
}))

const overCalls = fc
  .record({
    size: fc.integer({ min: 1, max: 6 }),
    minimum: fc.integer({ min: 1, max: 6 }),
    ratio: fc.integer({ min: 1, max: 9 }),
  })
  .map(({ size, minimum, ratio }): Variant => {
    const minimumCalls = Math.min(minimum, size)
    const failureRatio = ratio / 10
    return {
      options: { failureRatio, overCalls: size, minimumCalls, openMs },
      breaks: (results) => {
        const window = tail(results, size)
        return window.length >= minimumCalls && failuresIn(window) > failureRatio * window.length
      },
      cockatiel: () => new CountBreaker({ threshold: failureRatio, size, minimumNumberOfCalls: minimumCalls }),
    }
  })

const variants = fc.oneof(consecutive, overCalls)

/** Sends calls one after the other; each call gives whether it was let through, and the state after it. */
function oneAfterTheOther(options: CircuitBreakerOptions) {
  const { clock, context, send } = bench()
  const circuit = createCircuit(options, context)
  return {
    wait: (ms: number) => clock.advance(ms),
    async call(isSuccess: boolean): Promise<[isSent: boolean, state: string]> {
      let isSent = false
      await send(circuit.filter, async () => {
        isSent = true
        return isSuccess ? ok : refused
      })
      return [isSent, circuit.state.state]
    },
  }
}

describe('calls one after the other', () => {
  test('are let through and rejected as the reference model says', async () => {
    await fc.assert(
      fc.asyncProperty(variants, steps, async ({ options, breaks }, sequence) => {
        const ours = oneAfterTheOther(options)
        const model = referenceModel(breaks)
        for (const step of sequence)
          if (typeof step === 'number') {
            await ours.wait(step)
            model.wait(step)
          } else expect(await ours.call(step === 'success')).toEqual(model.call(step === 'success'))
      }),
      { numRuns: 250 },
    )
  })

  describe('beside cockatiel’s own circuit breaker', () => {
    beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }))
    afterEach(() => void vi.useRealTimers())

    test('are let through and rejected alike', async () => {
      await fc.assert(
        fc.asyncProperty(variants, steps, async ({ options, cockatiel }, sequence) => {
          const ours = oneAfterTheOther(options)
          const theirs = circuitBreaker(handleAll, { breaker: cockatiel(), halfOpenAfter: openMs })
          const callTheirs = async (isSuccess: boolean) => {
            let isSent = false
            await theirs
              .execute(() => {
                isSent = true
                if (!isSuccess) throw new Error('no')
              })
              .catch((error: unknown) => expect(error instanceof BrokenCircuitError).toBe(!isSent))
            return [isSent, theirs.state === Phase.Closed ? 'closed' : 'open']
          }
          for (const step of sequence)
            if (typeof step === 'number') {
              await ours.wait(step)
              vi.setSystemTime(Date.now() + step)
            } else expect(await ours.call(step === 'success')).toEqual(await callTheirs(step === 'success'))
        }),
        { numRuns: 250 },
      )
    })
  })
})

test('calls that overlap: trials are bounded, an open circuit holds, and each transition follows from the one before', async () => {
  const command = fc.oneof(
    { weight: 8, arbitrary: fc.record({ kind: fc.constant('start' as const) }) },
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant('end' as const),
        // Mostly the latest: only calls of the present period move the circuit.
        fromLast: fc.constantFrom(0, 0, 0, 1, 2, 5),
        reply: fc.constantFrom<Reply>(ok, ok, refused, refused, refused, refused, failed('aborted')),
      }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: waitMs }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('isolate' as const, 'reset' as const) }) },
  )
  const options = fc.record({
    consecutiveFailures: fc.integer({ min: 1, max: 3 }),
    halfOpenCalls: fc.integer({ min: 1, max: 3 }),
  })
  const seenTransitions = new Set<string>()
  await fc.assert(
    fc.asyncProperty(
      options,
      fc.array(fc.noBias(command), { minLength: 20, maxLength: 80, size: 'max' }),
      async ({ consecutiveFailures, halfOpenCalls }, commands) => {
        const { clock, context, journal, send, entries } = bench()
        const circuit = createCircuit({ consecutiveFailures, halfOpenCalls, openMs }, context)
        const inFlight: { end: (reply: Reply) => void; period: number }[] = []
        const period = () => entries('circuit.changed').length
        for (const each of commands) {
          const before = circuit.state
          if (each.kind === 'start') {
            let isSent = false
            void send(circuit.filter, () => {
              isSent = true
              return new Promise((resolve) => inFlight.push({ end: resolve, period: period() }))
            })
            await clock.flush()
            const trials = before.state === 'half-open' ? before.inFlight + before.succeeded : 0
            const mayGo = {
              closed: true,
              open: before.state === 'open' && clock.now() >= before.untilMs,
              'half-open': trials < halfOpenCalls,
              isolated: false,
            }[before.state]
            expect(isSent).toBe(mayGo)
            expect(circuit.state.state).toBe(before.state === 'open' && mayGo ? 'half-open' : before.state)
          } else if (each.kind === 'end') {
            const [call] = inFlight.splice(-1 - (each.fromLast % Math.max(1, inFlight.length)), 1)
            if (!call) continue
            const isOld = call.period !== period()
            call.end(each.reply)
            await clock.flush()
            if (isOld || (each.reply.outcome === 'aborted' && before.state !== 'half-open'))
              expect(circuit.state).toEqual(before)
            else if (before.state === 'half-open') {
              if (each.reply === refused)
                expect(circuit.state).toEqual({ state: 'open', untilMs: clock.now() + openMs })
              else if (each.reply === ok && before.succeeded + 1 === halfOpenCalls)
                expect(circuit.state.state).toBe('closed')
              else expect(circuit.state).toMatchObject({ state: 'half-open', inFlight: before.inFlight - 1 })
            }
          } else if (each.kind === 'wait') {
            await clock.advance(each.ms)
            expect(circuit.state).toEqual(before)
          } else {
            circuit[each.kind]()
            expect(circuit.state.state).toBe(each.kind === 'isolate' ? 'isolated' : 'closed')
          }
        }
        const changes = journal.where({ type: 'circuit.changed' })
        changes.forEach(({ from, to }, index) => {
          expect(from).toBe(index === 0 ? 'closed' : changes[index - 1]!.to)
          seenTransitions.add(`${from} to ${to}`)
        })
      },
    ),
    { numRuns: 200 },
  )
  // Proof that the runs went all the way round.
  for (const transition of ['closed to open', 'open to half-open', 'half-open to open', 'half-open to closed'])
    expect(seenTransitions).toContain(transition)
})
