import { describe, expect, test } from 'vitest'
import { circuitTimelineText } from '../../../src/report/circuit-timeline-text.ts'
import { createHistory } from '../../support/history.ts'
import { anOutage, hostile } from './reported-history.ts'

const owned = { name: 'orders->payments', ownsCircuit: true }

describe('circuitTimelineText', () => {
  test('tells the life of a circuit', () => {
    const history = anOutage(createHistory({ edges: [owned] }))
    expect(circuitTimelineText(history.mesh(), { width: 40 })).toMatchInlineSnapshot(`
      "orders->payments  the mesh's circuit: closed, 6 failed tries, 1 call turned away
        circuit      |██████░░░░░░░░░░░░▒░░░░░░░░░░░░▒████████| 0 .. 1 min 35 s
        failed tries |    xx            x                     |
        outage       |    ──────────────────────              | payments
                15 s  closed -> open         5 consecutive failures
                45 s  open -> half-open      open for 30000 ms
                45 s  half-open -> open      trial failed
          1 min 15 s  open -> half-open      open for 30000 ms
          1 min 15 s  half-open -> closed    trial succeeded

      closed ███   open ░░░   half-open ▒▒▒   x a failed try   ─ a fault"
    `)
  })

  test('of an edge, or of a service, is about the circuits there', () => {
    const history = createHistory({ edges: [owned, { name: 'orders->catalog', observed: true }] })
    history.call('orders->catalog', 200)
    expect(circuitTimelineText(history.edge('orders->payments'))).not.toContain('catalog')
    expect(circuitTimelineText(history.service('catalog'))).not.toContain('payments')
    expect(circuitTimelineText(history.service('orders'))).toMatch(/orders->catalog[\s\S]*orders->payments/)
    expect(circuitTimelineText(history.edge('orders->catalog'))).toContain('observed in the code under test: closed')
  })

  test('a circuit that never moved, in a journal that is empty', () => {
    const { mesh } = createHistory({ edges: [owned] })
    expect(circuitTimelineText(mesh(), { width: 16 })).toContain('|████████████████| 0 .. 0 ms')
    expect(circuitTimelineText(mesh())).toContain('it never changed its state')
  })

  test('without any circuit says so', () => {
    expect(circuitTimelineText(createHistory().mesh())).toBe(
      'no circuit breaker on any edge, neither of the mesh nor observed',
    )
  })

  test('a circuit on an edge that is no longer there is still told', () => {
    const history = createHistory().circuit('orders->gone', 'closed -> isolated', { reason: 'by hand' })
    expect(circuitTimelineText(history.mesh())).toMatch(/orders->gone.*isolated[\s\S]*closed -> isolated +by hand/)
  })

  test('lists a bounded number of changes, the first and the last', () => {
    const history = createHistory({ edges: [owned] })
    for (let i = 0; i < 500; i++) {
      history.circuit('orders->payments', 'closed -> open', { reason: `opening ${i}` }).wait(10)
      history.circuit('orders->payments', 'open -> closed', { reason: `closing ${i}` }).wait(10)
    }
    const text = circuitTimelineText(history.mesh())
    expect(text).toContain('... 976 more')
    expect(text).toContain('opening 0')
    expect(text).toContain('closing 499')
    expect(text.split('\n').length).toBeLessThan(35)
  })

  test('lists a bounded number of circuits and faults', () => {
    const history = createHistory()
    for (let i = 0; i < 30; i++) history.circuit(`orders->s${i}`, 'closed -> open')
    for (let i = 0; i < 10; i++) history.fault.inject(`f${i}`, 's1')
    const text = circuitTimelineText(history.mesh())
    expect(text).toContain('... and 10 more circuits')
    expect(text).toContain('... and 4 more faults')
  })

  test('nothing in a name or a reason reaches the terminal as a command', () => {
    const history = createHistory().circuit(`orders->${hostile}`, 'closed -> open', { reason: `a\n${hostile}` })
    history.fault.inject('f1', hostile)
    expect(circuitTimelineText(history.mesh())).not.toMatch(/[\u001b\u202e]|\na/)
  })
})
