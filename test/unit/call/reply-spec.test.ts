import { describe, expect, test } from 'vitest'
import { replyDelayMs, replyFrom } from '../../../src/call/reply-spec.ts'

const text = (body: unknown) => new TextDecoder().decode(body as Uint8Array)

describe('replyFrom', () => {
  test('a number is that status with an empty body', () => {
    expect(replyFrom(503)).toEqual({ outcome: 'answered', status: 503, headers: [['content-length', '0']], body: null })
  })

  test('an object answers 200 with an empty body unless it says otherwise', () => {
    expect(replyFrom({})).toEqual(replyFrom(200))
  })

  test('json is sent as JSON with its type and length', () => {
    const reply = replyFrom({ status: 202, json: { status: 'payment-pending' } })
    expect(reply.status).toBe(202)
    expect(text(reply.body)).toBe('{"status":"payment-pending"}')
    expect(reply.headers).toEqual([
      ['content-type', 'application/json'],
      ['content-length', '28'],
    ])
  })

  test.each([null, false, 0, ''])('json may be %j', (json) => {
    expect(text(replyFrom({ json }).body)).toBe(JSON.stringify(json))
  })

  test('text and bytes are sent as they are', () => {
    expect(text(replyFrom({ text: 'näh' }).body)).toBe('näh')
    expect(replyFrom({ body: new Uint8Array([1, 2]) }).body).toEqual(new Uint8Array([1, 2]))
  })

  test('header names become lower case, several values become repeated pairs in order', () => {
    const { headers } = replyFrom({ text: 'x', headers: { 'Set-Cookie': ['a=1', 'b=2'], 'Content-Type': 'text/csv' } })
    expect(headers).toEqual([
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
      ['content-type', 'text/csv'],
      ['content-length', '1'],
    ])
  })

  test.each([99, 101, 199, 600, 200.5, NaN])('refuses the status %d', (status) => {
    expect(() => replyFrom(status)).toThrow(
      expect.objectContaining({ code: 'MESH_INVALID_OPTION', message: expect.stringContaining('from 200 to 599') }),
    )
  })

  test.each([
    [{ status: '503' as unknown as number }, 'got "503" (string)'],
    [{ json: 1, text: 'x' }, 'at most one of `json`, `text` and `body`'],
    [{ status: 204, text: 'x' }, 'no body with status 204'],
    [{ json: () => 1 }, 'JSON can carry'],
  ])('refuses %j', (spec, message) => {
    expect(() => replyFrom(spec)).toThrow(message)
  })
})

test('replyDelayMs is the delay, 0 without one', () => {
  expect(replyDelayMs(200)).toBe(0)
  expect(replyDelayMs({ status: 200 })).toBe(0)
  expect(replyDelayMs({ delayMs: 30 })).toBe(30)
})
