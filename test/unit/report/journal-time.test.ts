import { describe, expect, test } from 'vitest'
import { createJournal } from '../../../src/journal/journal.ts'
import { axisMarks, journalTime, shownMs } from '../../../src/report/journal-time.ts'

describe('journalTime', () => {
  test('of an empty journal ends at 0', () => {
    expect(journalTime({ entries: [] }).endMs).toBe(0)
  })

  test('puts a simulation, whose time starts at 0, after what came before it', () => {
    let nowMs = 100
    const journal = createJournal(() => nowMs)
    const noteAt = (ms: number) => {
      nowMs = ms
      journal.note(`at ${ms}`)
    }
    noteAt(100)
    nowMs = 0
    journal.record('simulation.started', { simulation: 1 })
    noteAt(60_000)
    journal.record('simulation.ended', { simulation: 1, virtualMs: 60_000 })
    noteAt(60_107)
    const time = journalTime(journal)
    expect(journal.entries.map(({ seq }) => time.at(seq))).toEqual([100, 100, 60_100, 60_100, 60_107])
  })

  test('never runs backwards', () => {
    const times = [5, 3, 9]
    const journal = createJournal(() => times.shift()!)
    for (let i = 0; i < 3; i++) journal.note('')
    const time = journalTime(journal)
    expect([0, 1, 2].map((seq) => time.at(seq))).toEqual([5, 5, 9])
  })
})

describe('shownMs', () => {
  test.each([
    [0, '0 ms'],
    [0.25, '0.3 ms'],
    [12.4, '12 ms'],
    [4_020, '4.02 s'],
    [60_000, '1 min'],
    [65_400, '1 min 5 s'],
    [3_599_900, '60 min'],
    [7_800_000, '2 h 10 min'],
    [NaN, '?'],
  ])('%d is %s', (ms, shown) => {
    expect(shownMs(ms)).toBe(shown)
  })
})

describe('axisMarks', () => {
  test.each([
    [0, [0]],
    [95, [0, 20, 40, 60, 80]],
    [423_000, [0, 60_000, 120_000, 180_000, 240_000, 300_000, 360_000, 420_000]],
  ])('of %d ms', (endMs, marks) => {
    expect(axisMarks(endMs)).toEqual(marks)
  })

  test('are never many', () => {
    for (const endMs of [1, 999, 86_400_000 * 365]) expect(axisMarks(endMs).length).toBeLessThanOrEqual(9)
  })
})
