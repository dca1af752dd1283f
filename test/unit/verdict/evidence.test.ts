import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { counted, formatMs, listed, timeline, times } from '../../../src/verdict/evidence.ts'

const row = (seq: number, t = seq, key = false) => ({ seq, t, cells: [`row ${seq}`], key })

describe('timeline', () => {
  test('aligns columns and tells times from the first row', () => {
    expect(
      timeline([
        { seq: 1, t: 2000, cells: ['POST /charges', '503', ''] },
        { seq: 3, t: 2100.4, cells: ['GET /', 'refused', 'retry 1'] },
        { seq: 2, t: 2000.5, cells: 'free text that is longer than a column' },
      ]),
    ).toEqual([
      '     0 ms  POST /charges  503',
      '   0.5 ms  free text that is longer than a column',
      '   100 ms  GET /          refused  retry 1',
    ])
  })

  test("tells the journal's times when a simulation set them back", () => {
    expect(timeline([row(1, 500), row(2, 0)])).toEqual(['   500 ms  row 1', '     0 ms  row 2'])
  })

  test('shows the first 12 and the last 8 rows', () => {
    const lines = timeline(Array.from({ length: 54 }, (_, i) => row(i)))
    expect(lines).toHaveLength(21)
    expect(lines[11]).toBe('    11 ms  row 11')
    expect(lines[12]).toBe('           ... 34 more')
    expect(lines[13]).toBe('    46 ms  row 46')
  })

  test('shows key rows in the middle', () => {
    const lines = timeline(Array.from({ length: 60 }, (_, i) => row(i, i, i === 30)))
    expect(lines.slice(12, 15)).toEqual(['           ... 18 more', '    30 ms  row 30', '           ... 21 more'])
  })

  test('is bounded, and accounts for every row', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 200 }), (keys) => {
        const lines = timeline(keys.map((key, i) => row(i, i, key)))
        expect(lines.length).toBeLessThanOrEqual(12 + 8 + 12 + 13)
        const left = lines.map((line) => Number(/\.\.\. (\d+) more/.exec(line)?.[1] ?? 0))
        const shown = left.filter((n) => n === 0).length
        expect(shown + left.reduce((sum, n) => sum + n, 0)).toBe(keys.length)
      }),
    )
  })
})

test('numbers read as words do', () => {
  expect([0, 1, 2, 3].map(times)).toEqual(['never', 'once', 'twice', '3 times'])
  expect([counted(1, 'try', 'tries'), counted(2, 'try', 'tries')]).toEqual(['1 try', '2 tries'])
  expect([0, 0.25, 9.96, 10.4, 1800000].map(formatMs)).toEqual(['0 ms', '0.3 ms', '10 ms', '10 ms', '1800000 ms'])
  expect([listed([]), listed([1]), listed([1, 2]), listed([1, 2, 3])]).toEqual(['', '1', '1 and 2', '1, 2 and 3'])
  expect(listed([1, 2, 3, 4, 5, 6, 7, 8, 9])).toBe('1, 2, 3, 4, 5, 6, 7 and 2 more')
})
