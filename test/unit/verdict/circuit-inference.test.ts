import { describe, expect, test } from 'vitest'
import { circuitOf } from '../../../src/verdict/circuit.ts'
import { openedCircuit } from '../../../src/verdict/opened-circuit.ts'
import type { End, History } from '../../support/history.ts'
import { createHistory } from '../../support/history.ts'

const edge = 'orders->payments'
const transitionsOf = (history: History) =>
  circuitOf(history.edge(edge)).transitions.map(({ from, to, t }) => `${t}: ${from} -> ${to}`)

/** A call to orders which, unless its breaker is open, calls payments. */
function order(history: History, end?: End) {
  const within = end === undefined ? {} : { within: (parent: string) => void history.call(edge, end, { parent }) }
  history.call('storefront->orders', end === 200 ? 200 : 202, { path: '/orders', ...within })
  history.wait(10)
}

describe('a caller that is seen being called', () => {
  test('has opened its circuit when it is asked and sends nothing', () => {
    const history = createHistory()
    order(history, 200)
    for (let i = 0; i < 5; i++) order(history, 503)
    for (let i = 0; i < 3; i++) order(history)
    expect(openedCircuit(history.edge(edge), { afterFailures: 5 })).toMatchObject({
      ok: true,
      summary: 'the circuit opened once, after 5 failures (inferred from traffic)',
    })
    expect(circuitOf(history.edge(edge))).toMatchObject({
      state: 'open',
      grounds: ['after 5 failures in a row orders was called 3 times more without sending anything to payments'],
    })
  })

  test.each(['circuit-open', 'bulkhead-full', 'refused'] as const)(
    'was not asked by a call that ended as %s',
    (end) => {
      const history = createHistory()
      order(history, 200)
      for (let i = 0; i < 3; i++) order(history, 503)
      for (let i = 0; i < 3; i++) history.call('storefront->orders', end, { path: '/orders' })
      expect(openedCircuit(history.edge(edge))).toMatchObject({
        ok: false,
        summary: expect.stringContaining('nothing shows that orders was asked meanwhile') as string,
      })
    },
  )

  test('goes through half-open and closed when a trial succeeds', () => {
    const history = createHistory()
    for (const end of [503, 503, undefined, undefined, 503, undefined, 200, 200] as const) order(history, end)
    expect(transitionsOf(history)).toEqual([
      '10: closed -> open',
      '40: open -> half-open',
      '40: half-open -> open',
      '60: open -> half-open',
      '60: half-open -> closed',
    ])
  })

  test('opens again after a second run of failures', () => {
    const history = createHistory()
    for (const end of [503, 503, undefined, 200, 200, 503, 503, 503, undefined] as const) order(history, end)
    expect(openedCircuit(history.edge(edge)).summary).toContain('opened twice, after 2 and 3 failures')
  })

  test('leaves a doubt when it was not asked after the failures', () => {
    const history = createHistory()
    for (let i = 0; i < 5; i++) order(history, 503)
    expect(openedCircuit(history.edge(edge))).toMatchObject({
      ok: false,
      summary:
        'it cannot be told whether the circuit opened: after 5 failures in a row nothing more was sent, and nothing shows that orders was asked meanwhile (inferred from traffic)',
    })
  })

  test('leaves a doubt when it was not asked during a long silence', () => {
    const history = createHistory()
    for (let i = 0; i < 5; i++) order(history, 503)
    history.wait(1000)
    for (let i = 0; i < 3; i++) order(history, 200)
    expect(openedCircuit(history.edge(edge))).toMatchObject({
      ok: false,
      summary: expect.stringContaining('nothing was sent for 1010 ms, but orders was not called meanwhile'),
    })
  })

  test('is not judged by routes that do without this edge', () => {
    const history = createHistory()
    order(history)
    for (let i = 0; i < 5; i++) order(history, 503)
    order(history)
    for (let i = 0; i < 3; i++) order(history, 503)
    order(history, 200)
    expect(transitionsOf(history)).toEqual([])
  })

  test('has a closed circuit while every call goes through', () => {
    const history = createHistory()
    for (const end of [200, 503, 503, 503, 200, 503, 200] as const) order(history, end)
    expect(circuitOf(history.edge(edge))).toMatchObject({ state: 'closed', transitions: [] })
    expect(circuitOf(history.edge(edge)).doubt).toBeUndefined()
  })
})

describe('a caller that nobody is seen calling', () => {
  const every = (history: History, ms: number, ends: readonly End[]) =>
    ends.forEach((end) => {
      history.call(edge, end)
      history.wait(ms)
    })

  test('is read by time: failures, silence, a single trial, resumption', () => {
    const history = createHistory()
    every(history, 1000, [200, 200, 200, 503, 503, 503])
    history.wait(29_000)
    every(history, 1000, [200, 200, 200])
    expect(transitionsOf(history)).toEqual([
      '5000: closed -> open',
      '35000: open -> half-open',
      '35000: half-open -> closed',
    ])
    expect(circuitOf(history.edge(edge)).grounds).toEqual([
      'after 3 failures in a row nothing was sent for 30000 ms where no pause was longer than 1000 ms (who asks orders is not seen)',
    ])
  })

  test('is read by time through failed trials', () => {
    const history = createHistory()
    every(history, 1000, [200, 200, 200, 503, 503])
    for (let i = 0; i < 3; i++) {
      history.wait(29_000)
      every(history, 1000, [503])
    }
    history.wait(29_000)
    every(history, 1000, [200, 200])
    const changes = transitionsOf(history)
    expect(changes.filter((change) => change.endsWith('half-open -> open'))).toHaveLength(3)
    expect(changes.at(-1)).toBe('124000: half-open -> closed')
  })

  test('has no circuit when failures go on after a pause', () => {
    const history = createHistory()
    every(history, 10, [503, 503, 503, 503, 503])
    history.wait(1000)
    every(history, 10, [503, 503, 503, 200])
    expect(openedCircuit(history.edge(edge))).toMatchObject({
      ok: false,
      summary: expect.stringContaining('what followed is not a single trial of a circuit'),
    })
  })

  test('has no circuit because of some jitter before a success', () => {
    const history = createHistory()
    every(history, 2, [200, 200, 200, 503, 503])
    history.wait(20)
    every(history, 2, [200, 200])
    expect(transitionsOf(history)).toEqual([])
  })

  test('has no circuit when its gaps grow as a backoff does', () => {
    const history = createHistory()
    for (const ms of [100, 200, 400, 800, 1600]) every(history, ms, [503])
    every(history, 100, [200, 200])
    expect(transitionsOf(history)).toEqual([])
  })

  test('leaves a doubt when nothing follows', () => {
    const history = createHistory()
    every(history, 1000, [200, 200, 200, 503, 503])
    history.wait(60_000).journal.note('much later')
    expect(circuitOf(history.edge(edge)).doubt).toContain('nothing more was sent')
  })

  test('leaves no doubt after a single failure', () => {
    const history = createHistory()
    every(history, 1000, [200, 503])
    expect(circuitOf(history.edge(edge)).doubt).toBeUndefined()
  })
})

test('a history of 20,000 failing calls is read within the time limit of a test', () => {
  const history = createHistory()
  for (let i = 0; i < 20_000; i++) order(history, 503)
  expect(openedCircuit(history.edge(edge)).ok).toBe(false)
}, 5_000)

describe('an outage that nobody was seen to run into', () => {
  const addressed = { edges: [{ name: edge, addressed: true as const }] }

  test('leaves a doubt where another process was told an address, and names what leaves a trace', () => {
    const history = createHistory(addressed)
    history.call(edge, 200)
    history.fault.inject('f1', 'payments')
    expect(circuitOf(history.edge(edge)).doubt).toContain("chaos.outage('payments', { when: () => true })")
  })

  test('is none where all who call are seen, and where each request was looked at', () => {
    const seen = createHistory()
    seen.fault.inject('f1', 'payments')
    expect(circuitOf(seen.edge(edge)).doubt).toBeUndefined()
    const looked = createHistory(addressed)
    looked.record('fault.injected', { fault: 'f1', kind: 'outage', target: 'payments', options: { when: 'function' } })
    expect(circuitOf(looked.edge(edge)).doubt).toBeUndefined()
  })
})
