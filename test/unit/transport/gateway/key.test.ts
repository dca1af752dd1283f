import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseTraceparent } from '../../../../src/call/trace-context.ts'
import { keyHeaders, markOf, newKey, withKey } from '../../../../src/transport/gateway/key.ts'

describe('keyHeaders', () => {
  test('are a valid baggage and a valid traceparent, sampled and random, that name the mesh', () => {
    const { baggage, traceparent } = keyHeaders('0badcafe')
    expect(baggage).toBe('meshwright=0badcafe')
    expect(parseTraceparent(traceparent)).toMatchObject({ context: { flags: { sampled: true, random: true } } })
    expect(traceparent).toMatch(/^00-0badcafe/)
    expect(markOf(Object.entries(keyHeaders('0badcafe')))).toEqual({ named: '0badcafe', traced: '0badcafe' })
  })

  test('begin a trace of their own each time', () => {
    const all = Array.from({ length: 100 }, () => keyHeaders(newKey()).traceparent)
    expect(new Set(all).size).toBe(100)
  })
})

describe('markOf', () => {
  test.each([
    [[], {}],
    [[['baggage', 'meshwright=0badcafe']], { named: '0badcafe' }],
    [[['baggage', 'a=1 , meshwright = 0badcafe;ttl=3,b=2']], { named: '0badcafe' }],
    [
      [
        ['baggage', 'a=1'],
        ['baggage', 'meshwright=0badcafe'],
      ],
      { named: '0badcafe' },
    ],
    [[['baggage', 'meshwright=%30badcafe']], { named: '0badcafe' }],
    [[['baggage', 'meshwright=%zz']], { named: '%zz' }],
    [[['baggage', 'meshwright']], { named: 'meshwright' }],
    [[['baggage', 'notmeshwright=0badcafe']], {}],
    [[['traceparent', '00-0badcafe0000000000000000000000aa-00000000000000bb-00']], { traced: '0badcafe' }],
    [[['traceparent', 'broken']], {}],
  ] as const)('of %j is %j', (headers, mark) => expect(markOf(headers)).toEqual(mark))

  test('finds the key among whatever other members there are', () => {
    const member = fc.string({ unit: fc.constantFrom(...'abc=;% .') }).filter((text) => !text.includes('meshwright'))
    fc.assert(
      fc.property(fc.array(member), fc.nat(), (others, at) => {
        const place = at % (others.length + 1)
        const all = [...others.slice(0, place), 'meshwright=0badcafe', ...others.slice(place)]
        expect(markOf([['baggage', all.join(',')]]).named).toBe('0badcafe')
      }),
    )
  })
})

describe('withKey', () => {
  test('keeps the other members, and puts the key in place of another', () => {
    const headers = [
      ['baggage', 'tenant=7, meshwright=aaaaaaaa'],
      ['accept', '*/*'],
      ['baggage', 'user=8;p'],
    ] as const
    expect(withKey(headers, '0badcafe')).toEqual([
      ['accept', '*/*'],
      ['baggage', 'meshwright=0badcafe,tenant=7,user=8;p'],
    ])
  })
})
