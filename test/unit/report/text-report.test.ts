import { describe, expect, test } from 'vitest'
import { textReport } from '../../../src/report/text-report.ts'
import { anOutage, hostile, reportedHistory } from './reported-history.ts'

const owned = { name: 'orders->payments', ownsCircuit: true }

describe('textReport', () => {
  test('has services, edges, circuits, the slowest trace and problems', () => {
    const { history, mesh } = reportedHistory({ edges: [owned], chance: true, problems: [new Error('two\nlines')] })
    anOutage(history)
    const text = textReport(mesh)
    expect(text).toContain(`== mesh shop\n44 entries in 1 min 35 s, journal ${history.journal.hash().slice(0, 16)}`)
    expect(text).toContain('replay with MESHWRIGHT_SEED=42')
    expect(text).toContain(
      '== services, dependencies first\n  catalog\n  payments\n  emails\n  orders -> catalog, payments, emails\n  storefront -> orders\n',
    )
    expect(text).toMatch(/ {2}orders->payments +closed +7 +7 +6 +0 +0 ms +0 ms\n/)
    expect(text).toContain("the mesh's circuit: closed, 6 failed tries")
    expect(text).toContain('== slowest trace\nno spans')
    expect(text).toContain('== problems\n  two\n  lines')
  })

  test('of an empty journal is whole', () => {
    const text = textReport(reportedHistory().mesh)
    expect(text).toContain('0 entries in 0 ms')
    expect(text).not.toMatch(/undefined|NaN|problems|MESHWRIGHT_SEED/)
  })

  test('nothing in it commands the terminal', () => {
    const { history, mesh } = reportedHistory({ seed: hostile, chance: true, problems: [new Error(hostile)] })
    history.circuit(`orders->${hostile}`, 'closed -> open', { reason: hostile })
    expect(textReport({ ...mesh, name: hostile })).not.toMatch(/[\u001b\u202e]/)
  })

  test('shows a bounded number of problems', () => {
    const problems = Array.from({ length: 50 }, (_, i) => new Error(`problem ${i}`))
    expect(textReport(reportedHistory({ problems }).mesh)).toContain('... and 40 more problems')
  })
})
