import { existsSync, readdirSync, readlinkSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Entry } from '../../../src/journal/entry.ts'
import { createJournal } from '../../../src/journal/journal.ts'
import type { Shorthand } from '../../../src/journal/shorthand.ts'

const pair: Shorthand<{ text: string }> = {
  types: ['note', 'problem'],
  write: ({ text }) => [
    { type: 'note', text },
    { type: 'problem', code: 'X', message: text },
  ],
}

describe('a note in shorthand', () => {
  test('reads as the entries that it stands for, in their places', () => {
    let now = 0
    const journal = createJournal(() => now)
    journal.note('before')
    now = 5
    journal.jot(pair, { text: 'both' })
    now = 7
    journal.note('after')
    expect(journal.entries).toEqual([
      { seq: 0, t: 0, type: 'note', text: 'before' },
      { seq: 1, t: 5, type: 'note', text: 'both' },
      { seq: 2, t: 5, type: 'problem', code: 'X', message: 'both' },
      { seq: 3, t: 7, type: 'note', text: 'after' },
    ])
    expect(journal.where({ type: 'note' }).map(({ text }) => text)).toEqual(['before', 'both', 'after'])
    expect(journal.where({ type: ['problem', 'note'], message: 'both' })).toHaveLength(1)
  })

  test('is put into words once, when it is read', () => {
    let written = 0
    const counted: Shorthand<number> = {
      types: ['note'],
      write: () => {
        written++
        return [{ type: 'note', text: 'x' }]
      },
    }
    const journal = createJournal(() => 0)
    journal.jot(counted, 1)
    expect(written).toBe(0)
    expect(journal.entries).toHaveLength(1)
    expect(journal.where({ type: 'note' })).toHaveLength(1)
    expect(journal.hash()).toBe(journal.hash())
    expect(written).toBe(1)
  })

  test('is told to subscribers at once, entry by entry, unless they wait for other types', () => {
    const journal = createJournal(() => 0)
    const all: Entry[] = []
    const problems: Entry[] = []
    const faults: Entry[] = []
    const undo = journal.subscribe((entry) => all.push(entry))
    journal.subscribe((entry) => problems.push(entry), ['problem'])
    journal.subscribe((entry) => faults.push(entry), ['fault.hit'])
    journal.jot(pair, { text: 'both' })
    journal.note('plain')
    undo()
    journal.note('unheard')
    expect(all.map(({ type }) => type)).toEqual(['note', 'problem', 'note'])
    expect(problems.map(({ seq }) => seq)).toEqual([1])
    expect(faults).toEqual([])
  })
})

test('a list of entries that was read stays what it is', () => {
  const journal = createJournal(() => 0)
  journal.note('before')
  const { entries } = journal
  journal.jot(pair, { text: 'after' })
  expect(entries.map(({ type }) => type)).toEqual(['note'])
  expect(journal.entries.map(({ type }) => type)).toEqual(['note', 'note', 'problem'])
})

test('one listener may follow several types, each until its own undo', () => {
  const journal = createJournal(() => 0)
  const heard: string[] = []
  const listener = ({ type }: Entry) => heard.push(type)
  journal.subscribe(listener, ['note'])
  const undo = journal.subscribe(listener, ['problem'])
  journal.jot(pair, { text: 'both' })
  undo()
  journal.jot(pair, { text: 'both' })
  expect(heard).toEqual(['note', 'problem', 'note'])
})

describe('a journal with little room', () => {
  test('finds entries by their type, however many have left memory since it was asked last', () => {
    for (let written = 1_050; written < 1_100; written++) {
      const journal = createJournal(() => 0, { inMemory: 50 })
      const write = (count: number) => Array.from({ length: count }, () => journal.note('x'))
      write(40)
      expect(journal.where({ type: 'note' })).toHaveLength(40)
      write(written - 40)
      expect(journal.where({ type: 'note' }).map(({ seq }) => seq)).toEqual(
        Array.from({ length: written }, (_, i) => i),
      )
    }
  })

  test('keeps every entry, in order, whatever is written and whenever it is read', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('record' as const), text: fc.string() }),
      fc.record({ kind: fc.constant('jot' as const), text: fc.string() }),
      fc.record({ kind: fc.constant('read' as const), text: fc.constant('') }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 1, max: 40 }), (steps, inMemory) => {
        const small = createJournal(() => 0, { inMemory })
        const large = createJournal(() => 0)
        for (const { kind, text } of steps)
          for (const journal of [small, large]) {
            if (kind === 'record') journal.note(text, { text })
            if (kind === 'jot') journal.jot(pair, { text })
            if (kind === 'read') expect(journal.entries.map(({ seq }) => seq)).toEqual(journal.entries.map((_, i) => i))
          }
        expect(small.entries).toEqual(large.entries)
        expect(small.where({ type: 'problem' })).toEqual(large.where({ type: 'problem' }))
        expect(small.where({ type: ['note', 'problem'] })).toEqual(large.where({ type: ['note', 'problem'] }))
        expect(small.toJSONL()).toBe(large.toJSONL())
        expect(small.hash()).toBe(large.hash())
      }),
      { numRuns: 60 },
    )
  })

  test('writes whole blocks: ten thousand entries come back from the file', () => {
    const journal = createJournal(() => 0, { inMemory: 10 })
    for (let i = 0; i < 10_000; i++) journal.note(`entry ${i} ✓`)
    expect(journal.entries).toHaveLength(10_000)
    expect(journal.where({ type: 'note' })[9_998]).toMatchObject({ seq: 9_998, text: 'entry 9998 ✓' })
  })

  test.skipIf(!existsSync('/proc/self/fd'))('uses a file without a name, which ends with the process', () => {
    const journal = createJournal(() => 0, { inMemory: 1 })
    for (let i = 0; i < 5; i++) journal.note('x')
    const files = readdirSync('/proc/self/fd').flatMap((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`)
      } catch {
        return []
      }
    })
    const own = files.filter((file) => file.includes('meshwright-journal-'))
    expect(own.length).toBeGreaterThan(0)
    expect(own.filter((file) => !file.endsWith('entries.jsonl (deleted)'))).toEqual([])
    expect(journal.entries).toHaveLength(5)
  })
})
