import {
  circuitBreaker,
  ConsecutiveBreaker,
  CountBreaker,
  handleAll,
  handleWhenResult,
  noop,
  retry,
  wrap,
} from 'cockatiel'
// @ts-expect-error opossum brings no types
import Opossum from 'opossum'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { observeBreaker } from '../../../src/resilience/observe.ts'
import { bench } from './bench.ts'

const edge = 'orders->payments'
const no = () => Promise.reject(new Error('payments is down'))
const yes = () => Promise.resolve('paid')

let observed: ReturnType<typeof observing>
const observing = () => {
  const { clock, context, entries, journal } = bench()
  return {
    journal,
    observe: (breaker: unknown) => observeBreaker(breaker, { edge, record: context.record, clock }),
    changes: () => entries('circuit.changed'),
    rejections: () => entries('circuit.rejected'),
    /** Time for the breaker and for the mesh, which both have their own clock. */
    wait: async (ms: number) => {
      await vi.advanceTimersByTimeAsync(ms)
      await clock.advance(ms)
    },
  }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
  observed = observing()
})
afterEach(() => void vi.useRealTimers())

describe('a cockatiel breaker', () => {
  const build = (failures = 2) =>
    circuitBreaker(handleAll, { breaker: new ConsecutiveBreaker(failures), halfOpenAfter: 1_000 })

  test('is followed through open, half-open and closed', async () => {
    const breaker = build()
    observed.observe(breaker)
    await breaker.execute(no).catch(() => {})
    await breaker.execute(no).catch(() => {})
    await breaker.execute(yes).catch(() => {})
    await observed.wait(1_000)
    await breaker.execute(no).catch(() => {})
    await observed.wait(1_000)
    await breaker.execute(yes)
    const common = { edge, source: 'observed' }
    expect(observed.changes()).toEqual([
      { t: 0, ...common, from: 'closed', to: 'open', reason: 'a call failed: payments is down', failures: 2 },
      { t: 1_000, ...common, from: 'open', to: 'half-open', reason: 'open for 1000 ms' },
      { t: 1_000, ...common, from: 'half-open', to: 'open', reason: 'a call failed: payments is down' },
      { t: 2_000, ...common, from: 'open', to: 'half-open', reason: 'open for 1000 ms' },
      { t: 2_000, ...common, from: 'half-open', to: 'closed', reason: 'reset by its breaker' },
    ])
    expect(observed.rejections()).toEqual([])
  })

  test('half-open is written down before the trial runs', async () => {
    const breaker = build(1)
    observed.observe(breaker)
    await breaker.execute(no).catch(() => {})
    await observed.wait(1_000)
    await breaker.execute(() => observed.journal.note('trial'))
    const written = observed.journal.entries.map((entry) => (entry.type === 'circuit.changed' ? entry.to : entry.type))
    expect(written).toEqual(['open', 'half-open', 'note', 'closed'])
  })

  test('a breaker that keeps a window has no count of failures in a row', async () => {
    const breaker = circuitBreaker(handleAll, {
      breaker: new CountBreaker({ threshold: 0.5, size: 2 }),
      halfOpenAfter: 1_000,
    })
    observed.observe(breaker)
    for (let i = 0; i < 2; i++) await breaker.execute(no).catch(() => {})
    expect(observed.changes()).toHaveLength(1)
    expect(observed.changes()[0]).not.toHaveProperty('failures')
  })

  test('isolation by hand is told from breaking', async () => {
    const breaker = build()
    observed.observe(breaker)
    breaker.isolate().dispose()
    expect(observed.changes().map(({ from, to, reason }) => [from, to, reason])).toEqual([
      ['closed', 'isolated', 'isolated'],
      ['isolated', 'closed', 'reset by its breaker'],
    ])
  })

  test('the reason shows a result that counted as a failure, and an error that is none', async () => {
    const byResult = circuitBreaker(
      handleWhenResult((status) => status === 503),
      { breaker: new ConsecutiveBreaker(1), halfOpenAfter: 1_000 },
    )
    observed.observe(byResult)
    await byResult.execute(() => 503)
    const byString = build(1)
    observed.observe(byString)
    await byString.execute(() => Promise.reject('down')).catch(() => {})
    expect(observed.changes().map(({ reason }) => reason)).toEqual([
      'a call failed: 503 (number)',
      'a call failed: "down" (string)',
    ])
  })

  test('is found inside wrap, and its state at the start is taken over', async () => {
    const breaker = build(1)
    await breaker.execute(no).catch(() => {})
    observed.observe(wrap(wrap(retry(handleAll, { maxAttempts: 1 }), noop), breaker))
    await observed.wait(1_000)
    await breaker.execute(yes)
    expect(observed.changes().map(({ from, to }) => [from, to])).toEqual([
      ['open', 'half-open'],
      ['half-open', 'closed'],
    ])
  })

  test('of another version, which gives no cause, still has a reason', () => {
    let broken!: (cause?: unknown) => void
    const event = () => ({ dispose: () => {} })
    const onBreak = (listener: () => void) => ((broken = listener), event())
    observed.observe({ state: 0, onBreak, onReset: event, onHalfOpen: event })
    broken()
    expect(observed.changes().map(({ reason }) => reason)).toEqual(['opened by its breaker'])
  })

  test('is left alone after the undo', async () => {
    const breaker = build(1)
    const undo = observed.observe(breaker)
    undo()
    await breaker.execute(no).catch(() => {})
    expect(observed.changes()).toEqual([])
  })
})

interface Breaker {
  fire(): Promise<unknown>
  open(): void
  close(): void
  shutdown(): void
  listenerCount(event: string): number
}

describe('an opossum breaker', () => {
  let action: () => Promise<unknown>
  const breakers: Breaker[] = []
  const build = () => {
    // A cast, since opossum brings no types.
    const breaker = new (Opossum as new (action: () => unknown, options: object) => Breaker)(() => action(), {
      resetTimeout: 1_000,
      errorThresholdPercentage: 50,
      volumeThreshold: 2,
    })
    breakers.push(breaker)
    return breaker
  }
  const fire = (breaker: Breaker) => breaker.fire().catch(() => {})
  afterEach(() => breakers.splice(0).forEach((breaker) => breaker.shutdown()))

  test('is followed through open, half-open and closed, with its failures and rejections', async () => {
    const breaker = build()
    observed.observe(breaker)
    action = no
    await fire(breaker)
    await fire(breaker)
    await fire(breaker)
    await observed.wait(1_000)
    action = yes
    await fire(breaker)
    const common = { edge, source: 'observed' }
    const [opened, halfOpen, closed] = observed.changes()
    expect(opened).toEqual({
      t: 0,
      ...common,
      from: 'closed',
      to: 'open',
      reason: '2 failed calls in its window',
      failures: 2,
    })
    // Its own timer fires within the wait, while the clock of the mesh still stands at the beginning of it.
    expect(halfOpen).toMatchObject({ ...common, from: 'open', to: 'half-open' })
    expect(closed).toEqual({ t: 1_000, ...common, from: 'half-open', to: 'closed', reason: 'closed by its breaker' })
    expect(observed.rejections()).toEqual([{ t: 0, edge, source: 'observed' }])
  })

  test('opened by hand has no failures', () => {
    const breaker = build()
    observed.observe(breaker)
    breaker.open()
    expect(observed.changes().map(({ reason, failures }) => [reason, failures])).toEqual([
      ['opened by hand', undefined],
    ])
  })

  test.each(['open', 'half-open'])('that is %s at the start is taken over as such', async (state) => {
    const breaker = build()
    breaker.open()
    if (state === 'half-open') await observed.wait(1_000)
    observed.observe(breaker)
    breaker.close()
    expect(observed.changes().map(({ from, to }) => [from, to])).toEqual([[state, 'closed']])
  })

  test('that keeps no statistics still has a reason', () => {
    const listeners: Record<string, () => void> = {}
    const on = (event: string, listener: () => void) => void (listeners[event] = listener)
    observed.observe({ opened: false, halfOpen: false, fire: () => {}, on, removeListener: () => {} })
    listeners['open']!()
    expect(observed.changes().map(({ reason }) => reason)).toEqual(['opened by hand'])
  })

  test('has the listeners it had before after the undo', () => {
    const breaker = build()
    const counts = () => ['open', 'close', 'halfOpen', 'reject', 'fire'].map((event) => breaker.listenerCount(event))
    const before = counts()
    const undo = observed.observe(breaker)
    expect(counts()).not.toEqual(before)
    undo()
    expect(counts()).toEqual(before)
  })
})

describe('anything else', () => {
  test.each([
    [undefined, 'got undefined'],
    ['payments', 'got "payments" (string)'],
    [{ state: 7, onBreak() {}, onReset() {}, onHalfOpen() {} }, 'It has: state, onBreak, onReset, onHalfOpen'],
    [{ wrapped: [{}] }, 'It has: wrapped'],
    [retry(handleAll, { maxAttempts: 1 }), 'It has: '],
  ])('is refused with what was received', (value, message) => {
    expect(() => observed.observe(value)).toThrow(
      expect.objectContaining({ code: 'MESH_INVALID_OPTION', message: expect.stringContaining(message) }),
    )
  })
})
