import { describe, expect, test } from 'vitest'
import { answered, failed, type Reply } from '../../../src/call/reply.ts'
import { createCircuit } from '../../../src/resilience/circuit-breaker.ts'
import type { CircuitBreakerOptions } from '../../../src/topology/options.ts'
import { bench, ok, refused, slowCallee, unavailable } from './bench.ts'

/** A circuit with a callee that is told what to answer. */
function circuitBench(options: CircuitBreakerOptions) {
  const base = bench()
  const circuit = createCircuit(options, base.context)
  const sent: Reply[] = []
  const answer = (reply: Reply) =>
    base.send(circuit.filter, async () => {
      sent.push(reply)
      return reply
    })
  const answers = async (...replies: Reply[]) => {
    for (const reply of replies) await answer(reply)
  }
  const changes = () =>
    base
      .entries('circuit.changed')
      .map(({ t, from, to, reason, call, failures }) => ({ t, from, to, reason, call, failures }))
  return { ...base, circuit, sent, answer, answers, changes }
}

const three: CircuitBreakerOptions = { consecutiveFailures: 3, openMs: 30_000 }

describe('a closed circuit', () => {
  test('opens at the nth failure in a row, with the reason', async () => {
    const { circuit, clock, answers, changes, entries } = circuitBench(three)
    await answers(unavailable, refused)
    expect(circuit.state).toEqual({ state: 'closed', failures: 2 })
    await answers(failed('timeout'))
    expect(circuit.state).toEqual({ state: 'open', untilMs: clock.now() + 30_000 })
    expect(changes()).toEqual([
      { t: 0, from: 'closed', to: 'open', reason: '3 consecutive failures', call: '3', failures: 3 },
    ])
    expect(entries('circuit.changed')[0]).toMatchObject({ edge: 'orders->payments', source: 'mesh' })
  })

  test('a success in between starts the count again', async () => {
    const { circuit, answers } = circuitBench(three)
    await answers(refused, refused, ok, refused, refused)
    expect(circuit.state).toEqual({ state: 'closed', failures: 2 })
  })

  test('opens at the first failure when one is enough', async () => {
    const { answers, changes } = circuitBench({ consecutiveFailures: 1, openMs: 1 })
    await answers(refused)
    expect(changes()[0]!.reason).toBe('1 consecutive failure')
  })

  test.each(['aborted', 'bulkhead-full', 'circuit-open', 'hung'] as const)(
    '%s counts as neither success nor failure',
    async (outcome) => {
      const { circuit, answers } = circuitBench(three)
      await answers(refused, refused, failed(outcome), failed(outcome))
      expect(circuit.state).toEqual({ state: 'closed', failures: 2 })
    },
  )

  test('failOn says what a failure is; everything else that came back is a success', async () => {
    const { circuit, answers } = circuitBench({ ...three, failOn: [429, 'timeout'] })
    await answers(answered(429), failed('timeout'))
    expect(circuit.state).toEqual({ state: 'closed', failures: 2 })
    await answers(unavailable)
    expect(circuit.state).toEqual({ state: 'closed', failures: 0 })
  })

  test('an exception from further in passes and counts as neither', async () => {
    const { circuit, send, answers } = circuitBench(three)
    await answers(refused)
    const broken = send(circuit.filter, async () => {
      throw new Error('a mistake of the test')
    })
    await expect(broken).rejects.toThrow('a mistake of the test')
    expect(circuit.state).toEqual({ state: 'closed', failures: 1 })
  })
})

describe('a ratio over a number of calls', () => {
  const ratio: CircuitBreakerOptions = { failureRatio: 0.5, overCalls: 4, openMs: 1_000 }

  test('opens above the ratio, not at it', async () => {
    const { circuit, answers, changes } = circuitBench(ratio)
    await answers(refused, ok, refused, ok)
    expect(circuit.state).toEqual({ state: 'closed', failures: 2 })
    await answers(refused, refused)
    expect(changes()).toMatchObject([{ to: 'open', reason: '3 of the last 4 calls failed', failures: 3 }])
  })

  test('does not open before overCalls calls, or minimumCalls if given', async () => {
    const { circuit, answers } = circuitBench(ratio)
    await answers(refused, refused, refused)
    expect(circuit.state).toEqual({ state: 'closed', failures: 3 })
    const early = circuitBench({ ...ratio, minimumCalls: 2 })
    await early.answers(refused, refused)
    expect(early.changes()).toMatchObject([{ reason: '2 of the last 2 calls failed' }])
  })

  test('starts afresh after recovery, the trial being its first call', async () => {
    const { circuit, clock, answers } = circuitBench(ratio)
    await answers(refused, refused, refused, refused)
    await clock.advance(1_000)
    await answers(ok, refused, refused)
    expect(circuit.state).toEqual({ state: 'closed', failures: 2 })
    await answers(refused)
    expect(circuit.state.state).toBe('open')
  })
})

describe('a ratio over time', () => {
  const ratio: CircuitBreakerOptions = { failureRatio: 0.5, overMs: 10_000, openMs: 1_000 }

  test('opens above the ratio of the last overMs milliseconds, from five calls on', async () => {
    const { circuit, answers, changes } = circuitBench(ratio)
    await answers(refused, refused, refused, refused)
    expect(circuit.state).toEqual({ state: 'closed', failures: 4 })
    await answers(refused)
    expect(changes()).toMatchObject([{ reason: '5 of 5 calls in 10000 ms failed', failures: 5 }])
  })

  test('forgets: old failures do not trip it, which cockatiel’s SamplingBreaker gets wrong', async () => {
    const { circuit, clock, answers } = circuitBench(ratio)
    await answers(refused, refused, refused, refused)
    await clock.advance(3_600_000)
    expect(circuit.state).toEqual({ state: 'closed', failures: 0 })
    await answers(refused)
    expect(circuit.state).toEqual({ state: 'closed', failures: 1 })
  })

  test('a failing and a succeeding trial, then a fresh window with the trial in it', async () => {
    const { circuit, clock, answers, changes } = circuitBench({ ...ratio, minimumCalls: 2 })
    await answers(refused, refused)
    await clock.advance(1_000)
    await answers(refused)
    await clock.advance(1_000)
    await answers(ok)
    expect(circuit.state).toEqual({ state: 'closed', failures: 0 })
    await answers(refused)
    expect(circuit.state).toEqual({ state: 'closed', failures: 1 })
    await answers(refused)
    expect(changes().at(-1)).toMatchObject({ to: 'open', reason: '2 of 3 calls in 10000 ms failed' })
  })
})

describe('an open circuit', () => {
  test('rejects without calling, and writes it down', async () => {
    const { answer, answers, entries, sent } = circuitBench(three)
    await answers(refused, refused, refused)
    expect(await answer(ok)).toEqual({ outcome: 'circuit-open', message: 'The circuit of orders->payments is open.' })
    expect(entries('circuit.rejected')).toEqual([{ t: 0, edge: 'orders->payments', call: '4', source: 'mesh' }])
    expect(sent).toHaveLength(3)
  })

  test('lets the next call through at exactly openMs, and not a millisecond before', async () => {
    const { answer, answers, changes, circuit, clock } = circuitBench(three)
    await answers(refused, refused, refused)
    await clock.advance(29_999)
    expect(await answer(ok)).toMatchObject({ outcome: 'circuit-open' })
    await clock.advance(1)
    expect(circuit.state.state).toBe('open')
    expect(await answer(ok)).toBe(ok)
    expect(changes().slice(1)).toEqual([
      { t: 30_000, from: 'open', to: 'half-open', reason: 'open for 30000 ms', call: '5', failures: 3 },
      { t: 30_000, from: 'half-open', to: 'closed', reason: 'trial succeeded', call: '5', failures: 0 },
    ])
  })

  test('takes no notice of what earlier calls come back with', async () => {
    const { circuit, clock, answers, changes, send } = circuitBench(three)
    const slow = slowCallee()
    const before = [send(circuit.filter, slow.next), send(circuit.filter, slow.next), send(circuit.filter, slow.next)]
    await answers(refused, refused, refused)
    const state = circuit.state
    slow.answer(0, ok)
    slow.answer(1, refused)
    await clock.flush()
    expect(circuit.state).toEqual(state)
    // Closed again by a trial: an old failure does not count for the new period either.
    await clock.advance(30_000)
    await answers(ok)
    slow.answer(2, refused)
    await Promise.all(before)
    expect(circuit.state).toEqual({ state: 'closed', failures: 0 })
    expect(changes()).toHaveLength(3)
  })

  test('with openMs 0 tries again with the very next call', async () => {
    const { answers, sent } = circuitBench({ consecutiveFailures: 1, openMs: 0 })
    await answers(refused, refused, ok)
    expect(sent).toEqual([refused, refused, ok])
  })
})

describe('a half-open circuit', () => {
  const halfOpen = async (halfOpenCalls: number) => {
    const all = circuitBench({ consecutiveFailures: 1, openMs: 1_000, halfOpenCalls })
    const slow = slowCallee()
    await all.answers(refused)
    await all.clock.advance(1_000)
    return { ...all, slow, trial: () => all.send(all.circuit.filter, slow.next) }
  }

  test('runs one trial and rejects the rest while it runs', async () => {
    const { circuit, slow, trial, clock } = await halfOpen(1)
    const first = trial()
    expect(await trial()).toMatchObject({
      outcome: 'circuit-open',
      message: 'The circuit of orders->payments is half-open.',
    })
    expect(circuit.state).toEqual({ state: 'half-open', inFlight: 1, succeeded: 0 })
    slow.answer(0, ok)
    await first
    void trial()
    void trial()
    await clock.flush()
    expect(slow.seen.map(({ id }) => id)).toEqual(['2', '4', '5'])
  })

  test('a failing trial opens it again for the whole of openMs', async () => {
    const { answer, answers, changes, clock } = await halfOpen(1)
    await answers(refused)
    await clock.advance(999)
    expect(await answer(ok)).toMatchObject({ outcome: 'circuit-open' })
    await clock.advance(1)
    expect(await answer(ok)).toBe(ok)
    expect(changes().map(({ t, to, reason, failures }) => [t, to, reason, failures])).toEqual([
      [0, 'open', '1 consecutive failure', 1],
      [1_000, 'half-open', 'open for 1000 ms', 1],
      [1_000, 'open', 'trial failed', 2],
      [2_000, 'half-open', 'open for 1000 ms', 2],
      [2_000, 'closed', 'trial succeeded', 0],
    ])
  })

  test('with several trials all must succeed, and no more than that many are let through', async () => {
    const { circuit, slow, trial, changes } = await halfOpen(3)
    const trials = [trial(), trial()]
    slow.answer(0, ok)
    await trials[0]
    expect(circuit.state).toEqual({ state: 'half-open', inFlight: 1, succeeded: 1 })
    trials.push(trial())
    expect(await trial()).toMatchObject({ outcome: 'circuit-open' })
    slow.answer(2, ok)
    slow.answer(1, ok)
    await Promise.all(trials)
    expect(circuit.state).toEqual({ state: 'closed', failures: 0 })
    expect(changes().at(-1)).toMatchObject({ reason: '3 trials succeeded' })
  })

  test('one failing trial among several opens it; the others are then old news', async () => {
    const { circuit, slow, trial, clock, changes } = await halfOpen(3)
    const trials = [trial(), trial(), trial()]
    slow.answer(0, ok)
    slow.answer(1, refused)
    await clock.flush()
    expect(circuit.state.state).toBe('open')
    slow.answer(2, refused)
    await Promise.all(trials)
    expect(changes().map(({ to }) => to)).toEqual(['open', 'half-open', 'open'])
  })

  test('an aborted trial gives its place back', async () => {
    const { circuit, slow, trial } = await halfOpen(1)
    const first = trial()
    slow.answer(0, failed('aborted'))
    await first
    expect(circuit.state).toEqual({ state: 'half-open', inFlight: 0, succeeded: 0 })
    const second = trial()
    slow.answer(1, ok)
    expect(await second).toBe(ok)
    expect(circuit.state.state).toBe('closed')
  })

  test('so does a trial that throws', async () => {
    const { circuit, send } = await halfOpen(1)
    const broken = send(circuit.filter, async () => {
      throw new Error('a mistake of the test')
    })
    await expect(broken).rejects.toThrow('a mistake of the test')
    expect(circuit.state).toEqual({ state: 'half-open', inFlight: 0, succeeded: 0 })
  })
})

describe('by hand', () => {
  test('isolate rejects everything, for good', async () => {
    const { answer, circuit, clock, changes } = circuitBench(three)
    circuit.isolate()
    await clock.advance(10 ** 9)
    expect(await answer(ok)).toEqual({
      outcome: 'circuit-open',
      message: 'The circuit of orders->payments is isolated.',
    })
    expect(circuit.state).toEqual({ state: 'isolated' })
    circuit.isolate()
    expect(changes()).toEqual([
      { t: 0, from: 'closed', to: 'isolated', reason: 'isolated', call: undefined, failures: 0 },
    ])
  })

  test('reset closes it and forgets the failures', async () => {
    const { answers, circuit, changes } = circuitBench(three)
    await answers(refused, refused, refused)
    circuit.reset()
    expect(circuit.state).toEqual({ state: 'closed', failures: 0 })
    expect(changes().at(-1)).toEqual({
      t: 0,
      from: 'open',
      to: 'closed',
      reason: 'reset',
      call: undefined,
      failures: 0,
    })
  })

  test('reset of a closed circuit forgets the failures, those under way too, and is no transition', async () => {
    const { answers, circuit, changes, send } = circuitBench(three)
    const slow = slowCallee()
    const before = send(circuit.filter, slow.next)
    await answers(refused, refused)
    circuit.reset()
    slow.answer(0, refused)
    await before
    expect(circuit.state).toEqual({ state: 'closed', failures: 0 })
    expect(changes()).toEqual([])
  })

  test('a trial that comes back after isolate changes nothing', async () => {
    const { answers, circuit, clock, send } = circuitBench(three)
    const slow = slowCallee()
    await answers(refused, refused, refused)
    await clock.advance(30_000)
    const trial = send(circuit.filter, slow.next)
    circuit.isolate()
    slow.answer(0, ok)
    expect(await trial).toBe(ok)
    expect(circuit.state).toEqual({ state: 'isolated' })
  })
})

test('a circuit can be written as JSON in every state', async () => {
  const { answers, circuit, clock, send } = circuitBench(three)
  const json = () => JSON.parse(JSON.stringify({ circuit })) as unknown
  expect(json()).toEqual({ circuit: { state: 'closed', failures: 0 } })
  await answers(refused, refused, refused)
  expect(json()).toEqual({ circuit: { state: 'open', untilMs: clock.now() + 30_000 } })
  await clock.advance(30_000)
  void send(circuit.filter, slowCallee().next)
  expect(json()).toEqual({ circuit: { state: 'half-open', inFlight: 1, succeeded: 0 } })
  circuit.isolate()
  expect(json()).toEqual({ circuit: { state: 'isolated' } })
})

test('an option that is undefined is not given', async () => {
  const undefinedRules = { consecutiveFailures: undefined, overCalls: undefined } as object
  const { answers, changes } = circuitBench({
    ...undefinedRules,
    failureRatio: 0.5,
    overMs: 100,
    minimumCalls: 1,
    openMs: 1,
  })
  await answers(refused)
  expect(changes()).toMatchObject([{ reason: '1 of 1 calls in 100 ms failed' }])
})
