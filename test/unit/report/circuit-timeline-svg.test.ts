import { describe, expect, test } from 'vitest'
import { circuitTimelineSvg } from '../../../src/report/circuit-timeline-svg.ts'
import { createHistory } from '../../support/history.ts'
import { anOutage, hostile } from './reported-history.ts'

const owned = { name: 'orders->payments', ownsCircuit: true }
const count = (text: string, part: string) => text.split(part).length - 1

describe('circuitTimelineSvg', () => {
  test('draws periods, failed tries and faults, each with its times', () => {
    const svg = circuitTimelineSvg(anOutage(createHistory({ edges: [owned] })).mesh())
    expect(svg).toContain('<title>closed, 0 ms to 15 s</title>')
    expect(svg).toContain('<title>open, 15 s to 45 s</title>')
    expect(svg).toContain('<title>half-open, 45 s to 45 s</title>')
    expect(svg).toContain('<title>closed, 1 min 15 s to 1 min 35 s</title>')
    expect(svg).toContain('<title>outage payments, 10 s to 1 min, 1 hit</title>')
    expect(count(svg, '<circle')).toBe(6 + 1)
    expect(svg).toContain('1 call turned away')
  })

  test('stays within its frame, also at the ends', () => {
    const svg = circuitTimelineSvg(anOutage(createHistory({ edges: [owned] })).mesh())
    for (const [, x, width = '0'] of svg.matchAll(/<rect x="([\d.]+)"[^>]*? width="([\d.]+)"/g))
      expect(Number(x) + Number(width)).toBeLessThanOrEqual(960 - 22)
    for (const [, x] of svg.matchAll(/<circle cx="([\d.]+)"/g)) expect(Number(x)).toBeLessThanOrEqual(940)
  })

  test('without a circuit, and of an empty journal, is a drawing all the same', () => {
    expect(circuitTimelineSvg(createHistory().mesh())).toContain('No circuit breaker on any edge')
    const svg = circuitTimelineSvg(createHistory({ edges: [owned] }).mesh())
    expect(svg).not.toMatch(/NaN|Infinity|undefined/)
    expect(svg).toContain('orders-&gt;payments')
  })

  test('names cannot leave their place', () => {
    const history = createHistory().circuit(`orders->${hostile}`, 'closed -> open', { reason: hostile })
    history.fault.inject('f1', hostile)
    const svg = circuitTimelineSvg({ ...history.mesh(), name: hostile })
    expect(svg).not.toMatch(/<img|<\/script|[\u001b\u202e]/)
    expect(svg).toContain('&lt;img')
  })

  test('a busy circuit is drawn with a bounded number of shapes', () => {
    const history = createHistory({ edges: [owned] })
    for (let i = 0; i < 20_000; i++) {
      history.record('attempt.ended', {
        call: String(i),
        edge: 'orders->payments',
        attempt: 0,
        outcome: 'refused',
        durationMs: 0,
      })
      history.circuit('orders->payments', 'closed -> open').wait(1)
      history.circuit('orders->payments', 'open -> half-open')
      history.circuit('orders->payments', 'half-open -> closed').wait(1)
    }
    const svg = circuitTimelineSvg(history.mesh())
    expect(count(svg, '<circle')).toBeLessThan(400)
    expect(svg.length).toBeLessThan(1_000_000)
  })

  test('draws a bounded number of circuits', () => {
    const history = createHistory()
    for (let i = 0; i < 50; i++) history.circuit(`orders->s${i}`, 'closed -> open')
    const svg = circuitTimelineSvg(history.mesh())
    expect(svg).toContain('... and 10 more circuits')
    expect(svg).toContain('orders-&gt;s39')
    expect(svg).not.toContain('orders-&gt;s40')
  })
})
