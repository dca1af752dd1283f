import { describe, expect, test } from 'vitest'
import { answered, failed } from '../../../src/call/reply.ts'
import { networkError, responseFrom } from '../../../src/transport/fetch-response.ts'

// The errors are compared with those of undici in error-shapes.test.ts.
describe('responseFrom', () => {
  test('gives status, headers, repeated cookies, body and address', async () => {
    const headers = [['set-cookie', 'a=1'], ['set-cookie', 'b=2']] as const // prettier-ignore
    const response = responseFrom(answered(201, { json: { id: 1 }, headers }), 'http://orders/items')
    expect([response.status, response.ok, response.url]).toEqual([201, true, 'http://orders/items'])
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    expect(await response.json()).toEqual({ id: 1 })
  })

  test('gives a copy of the bytes', async () => {
    const body = Uint8Array.of(1, 2)
    const bytes = new Uint8Array(await responseFrom(answered(200, { body }), 'http://orders').arrayBuffer())
    bytes.fill(0)
    expect(body).toEqual(Uint8Array.of(1, 2))
  })

  test('has no body for 204, 304 and HEAD', () => {
    for (const status of [204, 304]) expect(responseFrom(answered(status), 'http://orders').body).toBeNull()
    const head = responseFrom(answered(200, { text: 'x' }), { url: 'http://orders', method: 'HEAD' })
    expect(head.body).toBeNull()
  })

  test('passes a stream through', async () => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(Buffer.from('streamed'))
        controller.close()
      },
    })
    const response = responseFrom({ outcome: 'answered', status: 200, headers: [], body }, 'http://orders')
    expect(await response.text()).toBe('streamed')
  })

  test('gives a decision of the mesh as its 5xx', async () => {
    const response = responseFrom(failed('timeout', { message: 'after 500 ms' }), 'http://orders')
    expect([response.status, response.headers.get('x-mesh-outcome')]).toEqual([504, 'timeout'])
    expect(await response.json()).toEqual({ outcome: 'timeout', message: 'after 500 ms' })
  })

  test('gives what arrived before a failure mid-body', async () => {
    const partial = { status: 206, headers: [], body: Buffer.from('half'), declaredLength: 9 }
    const response = responseFrom(failed('truncated', { partial }), 'http://orders')
    expect([response.status, response.headers.get('content-length')]).toEqual([206, '9'])
    const reader = response.body!.getReader()
    expect(Buffer.from((await reader.read()).value!).toString()).toBe('half')
    await expect(reader.read()).rejects.toThrow('terminated')
  })

  test('throws an AbortError when the caller went away', () => {
    expect(() => responseFrom(failed('aborted'), 'http://orders')).toThrow(
      expect.objectContaining({ name: 'AbortError' }),
    )
  })

  test('throws for a call that hangs what undici throws when its patience ends', () => {
    expect(() => responseFrom(failed('hung'), 'http://orders')).toThrow(
      expect.objectContaining({ cause: expect.objectContaining({ code: 'UND_ERR_HEADERS_TIMEOUT' }) }),
    )
  })
})

test('networkError names the port that the URL implies', () => {
  const reply = { outcome: 'refused' } as const
  expect(networkError(reply, 'https://orders.shop.test/a').cause).toMatchObject({ address: '127.0.0.1', port: 443 })
  expect(networkError(reply, 'http://orders:8080/a').cause).toMatchObject({ port: 8080 })
})
