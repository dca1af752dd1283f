import { describe, expect, test } from 'vitest'
import { discard } from '../../../src/resilience/discard.ts'
import { ok, refused, streamed } from './bench.ts'

describe('discard', () => {
  test('cancels a stream', () => {
    const open = streamed(200)
    discard(open.reply)
    expect(open.isCancelled).toBe(true)
  })

  test('leaves a stream that someone reads', () => {
    const read = streamed(200)
    read.body.getReader()
    discard(read.reply)
    expect(read.isCancelled).toBe(false)
  })

  test('does not mind a stream that has failed', async () => {
    const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.error(new Error('terminated')) })
    const unhandled: unknown[] = []
    const listener = (reason: unknown) => void unhandled.push(reason)
    process.on('unhandledRejection', listener)
    discard({ outcome: 'answered', status: 200, headers: [], body })
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', listener)
    expect(unhandled).toEqual([])
  })

  test('has nothing to do for bytes, for no body and for failures', () => {
    expect(() => [ok, { ...ok, body: null }, refused].forEach(discard)).not.toThrow()
  })
})
