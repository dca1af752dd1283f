import { ROOT_CONTEXT, defaultTextMapGetter, trace } from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { HeaderList } from '../../../src/call/call.ts'
import { extract, formatTraceparent, inject, parseTraceparent, parseTracestate } from '../../../src/tracing/w3c.ts'
import type { TraceContext } from '../../../src/tracing/w3c.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const spanId = '00f067aa0ba902b7'
const good = `00-${traceId}-${spanId}-01`

describe('parseTraceparent', () => {
  test.each([
    ['version 00', good, { sampled: true, random: false }],
    ['not sampled', `00-${traceId}-${spanId}-00`, { sampled: false, random: false }],
    ['the random flag of level 2', `00-${traceId}-${spanId}-03`, { sampled: true, random: true }],
    [
      'unknown flags, of which only the known bits are kept',
      `00-${traceId}-${spanId}-fc`,
      { sampled: false, random: false },
    ],
    ['all flags', `00-${traceId}-${spanId}-ff`, { sampled: true, random: true }],
    ['a higher version of the same length', `cc-${traceId}-${spanId}-01`, { sampled: true, random: false }],
    ['a higher version that goes on', `cc-${traceId}-${spanId}-01-what-the-future`, { sampled: true, random: false }],
    ['a higher version that ends in a hyphen', `01-${traceId}-${spanId}-01-`, { sampled: true, random: false }],
    ['white space around', ` \t${good}\t `, { sampled: true, random: false }],
  ])('reads %s', (_name, value, flags) => {
    expect(parseTraceparent(value)).toEqual({ context: { traceId, spanId, flags } })
  })

  test.each([
    ['', 'version:'],
    ['0', 'version:'],
    ['.0-' + good.slice(3), 'version:'],
    ['000-' + good.slice(3), 'version:'],
    ['0-' + good.slice(3), 'version:'],
    ['CC' + good.slice(2), 'version:'],
    ['ff' + good.slice(2), 'version: ff is forbidden'],
    [`${good}-`, 'version-format:'],
    [`${good}.`, 'version-format:'],
    [`${good}-x`, 'version-format:'],
    [`00-${traceId}-${spanId}-011`, 'version-format:'],
    [`cc${good.slice(2)}.what`, 'versioning:'],
    [`cc${good.slice(2)}1`, 'versioning:'],
    [`00-${'0'.repeat(32)}-${spanId}-01`, 'trace-id: must not be all zeroes'],
    [`00-${traceId.toUpperCase()}-${spanId}-01`, 'trace-id: must be 32 lower-case hex digits'],
    [`00-${traceId.slice(1)}-${spanId}-01`, 'trace-id: must be 32'],
    [`00-${traceId}0-${spanId}-01`, 'trace-id: must be 32'],
    [`00-${traceId.slice(1)}g-${spanId}-01`, 'trace-id: must be 32'],
    ['00', 'trace-id:'],
    [`00-${traceId}-${'0'.repeat(16)}-01`, 'parent-id: must not be all zeroes'],
    [`00-${traceId}-${spanId.toUpperCase()}-01`, 'parent-id: must be 16 lower-case hex digits'],
    [`00-${traceId}-${spanId.slice(1)}-01`, 'parent-id: must be 16'],
    [`00-${traceId}-${spanId}0-01`, 'parent-id: must be 16'],
    [`00-${traceId}-${spanId}`, 'trace-flags:'],
    [`00-${traceId}-${spanId}-`, 'trace-flags:'],
    [`00-${traceId}-${spanId}-1`, 'trace-flags:'],
    [`00-${traceId}-${spanId}-0G`, 'trace-flags:'],
    [`cc-${traceId}-${spanId}-0`, 'trace-flags:'],
    [`${good}, ${good}`, 'one header:'],
    [`${good},${good}`, 'one header:'],
  ])('refuses %j and names the rule %s', (value, rule) => {
    const parsed = parseTraceparent(value)
    expect(parsed).not.toHaveProperty('context')
    expect('problem' in parsed && parsed.problem).toMatch(new RegExp(`^${rule}`))
  })

  test('shortens a long header in its message', () => {
    const parsed = parseTraceparent('x'.repeat(10_000))
    expect('problem' in parsed && parsed.problem.length).toBeLessThan(250)
  })
})

describe('parseTracestate', () => {
  const members = (count: number) => Array.from({ length: count }, (_, i) => `k${i}=${i}`)

  test.each<[string, string[], string | undefined]>([
    ['one member', ['foo=1'], 'foo=1'],
    ['an order that stays', ['foo=1,bar=2'], 'foo=1,bar=2'],
    ['several lines joined in order', ['foo=1,bar=2', 'rojo=1', 'congo=2'], 'foo=1,bar=2,rojo=1,congo=2'],
    ['white space around members', ['foo=1 \t , \t bar=2, \t baz=3 '], 'foo=1,bar=2,baz=3'],
    ['empty members', ['foo=1,,bar=2,', ' '], 'foo=1,bar=2'],
    ['nothing', [''], undefined],
    ['the first of two with one key', ['foo=1,bar=2,foo=3'], 'foo=1,bar=2'],
    ['keys with an at sign anywhere', ['foo@=1,a@b@c=2,t@v=3'], 'foo@=1,a@b@c=2,t@v=3'],
    ['a key that starts with a digit', ['0x=1'], '0x=1'],
    ['all characters of a key', ['a09_-*/@=1'], 'a09_-*/@=1'],
    ['a key of 256 characters', [`${'k'.repeat(256)}=1`], `${'k'.repeat(256)}=1`],
    ['a value with spaces inside', ['foo= 1 2'], 'foo= 1 2'],
    ['a value of 256 characters', [`foo=${'v'.repeat(256)}`], `foo=${'v'.repeat(256)}`],
    ['32 members', [members(32).join(',')], members(32).join(',')],
  ])('keeps %s', (_name, lines, state) => {
    expect(parseTracestate(lines)).toEqual(state === undefined ? {} : { state })
  })

  test.each<[string, string[], RegExp]>([
    ['33 members', [members(33).join(',')], /^tracestate: at most 32 members are allowed, not 33/],
    ['33 members over two lines', [members(32).join(','), 'x=1'], /at most 32/],
    ['an upper-case key', ['FOO=1'], /^tracestate key/],
    ['a space in a key', ['foo =1'], /^tracestate key/],
    ['a dot in a key', ['foo.bar=1'], /^tracestate key/],
    ['a key that starts with an at sign', ['@foo=1'], /^tracestate key/],
    ['a key that starts with an underscore', ['_foo=1'], /^tracestate key/],
    ['an empty key', ['=1'], /^tracestate key/],
    ['a key of 257 characters', [`${'k'.repeat(257)}=1`], /^tracestate key/],
    ['a member without a value', ['foo'], /^tracestate key/],
    ['an empty value', ['foo='], /^tracestate value/],
    ['a second equals sign', ['foo=bar=baz'], /^tracestate value/],
    ['a value of 257 characters', [`foo=${'v'.repeat(257)}`], /^tracestate value/],
    ['a tab in a value', ['foo=a\tb'], /^tracestate value/],
    ['a value that is not ASCII', ['foo=\u00fc'], /^tracestate value/],
  ])('discards the whole header for %s', (_name, lines, problem) => {
    const parsed = parseTracestate(['good=1', ...lines])
    expect(parsed).not.toHaveProperty('state')
    expect(parseTracestate(lines).problem).toMatch(problem)
  })
})

describe('extract', () => {
  test('finds nothing, and no problem, without traceparent, even if there is a tracestate', () => {
    expect(extract([['tracestate', 'foo=1']])).toEqual({})
  })

  test('refuses two traceparent headers, even equal ones', () => {
    const headers: HeaderList = [
      ['traceparent', good],
      ['traceparent', good],
      ['tracestate', 'foo=1'],
    ]
    expect(extract(headers)).toEqual({ problem: expect.stringMatching(/^one header: 2 traceparent headers/) })
  })

  test('drops tracestate with a malformed traceparent', () => {
    const found = extract([
      ['traceparent', `${good}-`],
      ['tracestate', 'foo=1'],
    ])
    expect(found.context).toBeUndefined()
  })

  test('keeps traceparent when tracestate is malformed, and says what was wrong with it', () => {
    const found = extract([
      ['traceparent', good],
      ['tracestate', 'foo=1'],
      ['tracestate', 'BAD=1'],
    ])
    expect(found.context).toEqual({ traceId, spanId, flags: { sampled: true, random: false } })
    expect(found.stateProblem).toMatch(/^tracestate key/)
  })

  test.each(['trace-parent', 'trace.parent', 'x-traceparent'])('does not take %s for traceparent', (name) => {
    expect(extract([[name, good]])).toEqual({})
  })
})

const hex = (digits: number) =>
  fc
    .array(fc.constantFrom(...'0123456789abcdef'), { minLength: digits, maxLength: digits })
    .map((all) => all.join(''))
    .filter((id) => !/^0+$/.test(id))

const key = fc.stringMatching(/^[a-z0-9][a-z0-9_*/@-]{0,20}$/)
const value = fc.stringMatching(/^[ -+\--<>-~]{0,20}[!-+\--<>-~]$/)
const state = fc
  .uniqueArray(fc.tuple(key, value), { selector: ([name]) => name, minLength: 1, maxLength: 8 })
  .map((members) => members.map(([name, text]) => `${name}=${text}`).join(','))

const context: fc.Arbitrary<TraceContext> = fc.record(
  {
    traceId: hex(32),
    spanId: hex(16),
    flags: fc.record({ sampled: fc.boolean(), random: fc.boolean() }),
    state,
  },
  { requiredKeys: ['traceId', 'spanId', 'flags'] },
)

describe('inject', () => {
  test('puts its headers in place of those that were there and leaves the others alone', () => {
    const headers: HeaderList = [
      ['traceparent', 'old'],
      ['accept', '*/*'],
      ['tracestate', 'old=1'],
      ['traceparent', 'older'],
    ]
    const flags = { sampled: true, random: true }
    expect(inject(headers, { traceId, spanId, flags })).toEqual([
      ['accept', '*/*'],
      ['traceparent', `00-${traceId}-${spanId}-03`],
    ])
  })

  test('is undone by extract', () => {
    fc.assert(
      fc.property(context, (given) => {
        expect(extract(inject([['accept', '*/*']], given))).toEqual({ context: given })
      }),
    )
  })
})

describe('beside the propagator of OpenTelemetry', () => {
  const propagator = new W3CTraceContextPropagator()
  const theirs = (carrier: Record<string, string>) =>
    trace.getSpanContext(propagator.extract(ROOT_CONTEXT, carrier, defaultTextMapGetter))

  test('reads the same ids, sampled flag and state from what is valid', () => {
    fc.assert(
      fc.property(context, (given) => {
        // Theirs knows the keys of level 1 only (no digit first, one @ before a tenant), and at most 512 characters.
        fc.pre(given.state === undefined || (/^[a-z]/.test(given.state) && !/@|,[0-9]/.test(given.state)))
        fc.pre((given.state?.length ?? 0) <= 512)
        const carrier = Object.fromEntries(inject([], given))
        const ours = extract(Object.entries(carrier)).context
        const other = theirs(carrier)
        expect(other?.traceId).toBe(ours?.traceId)
        expect(other?.spanId).toBe(ours?.spanId)
        expect((other!.traceFlags & 1) === 1).toBe(ours?.flags.sampled)
        if (given.state === undefined) expect(other?.traceState).toBeUndefined()
        for (const member of ours?.state?.split(',') ?? []) {
          const equals = member.indexOf('=')
          expect(other?.traceState?.get(member.slice(0, equals))).toBe(member.slice(equals + 1))
        }
      }),
    )
  })

  test('refuses what it refuses, over headers with one damaged character', () => {
    fc.assert(
      fc.property(context, fc.nat(54), fc.constantFrom('', '-', 'g', 'A', ' ', '0', 'f', '..'), (given, at, damage) => {
        const whole = formatTraceparent(given)
        const value = whole.slice(0, at) + damage + whole.slice(at + 1)
        expect('context' in parseTraceparent(value)).toBe(theirs({ traceparent: value }) !== undefined)
      }),
    )
  })

  test('differs on purpose: the state goes as a whole when one member is bad', () => {
    const carrier = { traceparent: good, tracestate: 'foo=1,BAD=2' }
    expect(theirs(carrier)?.traceState?.serialize()).toBe('foo=1')
    expect(extract(Object.entries(carrier)).context?.state).toBeUndefined()
  })
})
