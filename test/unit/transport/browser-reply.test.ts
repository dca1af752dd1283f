import { expect, test } from 'vitest'
import { answered, failed } from '../../../src/call/reply.ts'
import type { NetworkFailure } from '../../../src/call/reply.ts'
import { fulfilment } from '../../../src/transport/browser-reply.ts'
import { manualClock } from '../../support/manual-clock.ts'

const asked = (clock = manualClock()) => ({
  method: 'GET',
  crossOrigin: undefined,
  signal: new AbortController().signal,
  clock,
})

test.each<[NetworkFailure, string]>([
  ['refused', 'connectionrefused'],
  ['reset', 'connectionreset'],
  ['closed', 'connectionclosed'],
  ['reset-mid-body', 'connectionreset'],
  ['truncated', 'connectionclosed'],
  ['hung', 'timedout'],
  ['going-away', 'connectionclosed'],
  ['garbage', 'failed'],
  ['malformed', 'failed'],
])('%s is a failed request, as near to it as a route can come: %s', async (outcome, abort) => {
  expect(await fulfilment(failed(outcome), asked())).toEqual({ abort })
})

test('a body that comes slowly is waited for to its end, however long that takes', async () => {
  const clock = manualClock()
  let left = 10
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        await clock.sleep(1_000)
        controller.enqueue(Buffer.from('x'))
        if (--left === 0) controller.close()
      },
    },
    { highWaterMark: 0 },
  )
  const whole = fulfilment({ ...answered(200), headers: [['content-length', '10']], body }, asked(clock))
  expect(await clock.run(whole)).toMatchObject({ status: 200, body: Buffer.from('x'.repeat(10)) })
  expect(clock.elapsedMs).toBe(10_000)
})
