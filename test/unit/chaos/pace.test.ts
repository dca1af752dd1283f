import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Call } from '../../../src/call/call.ts'
import { answered } from '../../../src/call/reply.ts'
import type { AnsweredReply, Body } from '../../../src/call/reply.ts'
import { bandwidth } from '../../../src/chaos/behaviours/bandwidth.ts'
import { slowBody } from '../../../src/chaos/behaviours/slow-body.ts'
import { stall } from '../../../src/chaos/behaviours/stall.ts'
import type { FaultBehaviour, FaultContext } from '../../../src/chaos/fault.ts'
import { createRandom } from '../../../src/random/random.ts'
import { manualClock } from '../../support/manual-clock.ts'

const bytesOf = (length: number) => Uint8Array.from({ length }, (_, i) => i % 251)

function setUp() {
  const clock = manualClock()
  const recorded: string[] = []
  const [gone, stopping] = [new AbortController(), new AbortController()]
  const context: FaultContext = {
    clock,
    random: createRandom(1),
    record: ((type: string) => void recorded.push(type)) as FaultContext['record'],
    stopping: stopping.signal,
    reachesWire: () => true,
  }
  const call = { id: '1', edge: 'a->b', method: 'GET', signal: gone.signal } as Call
  const send = async (fault: FaultBehaviour, body: Body) => {
    const reply = body instanceof Uint8Array ? answered(200, { body }) : { ...answered(200), headers: [], body }
    const paced = (await fault.act(call, async () => reply)) as AnsweredReply
    return paced.body as ReadableStream<Uint8Array>
  }
  return { clock, context, send, recorded, gone, stopping }
}

/** Reads to the end, pausing before each read as it is told; tells what had come when. */
async function read(
  stream: ReadableStream<Uint8Array>,
  { clock }: Pick<ReturnType<typeof setUp>, 'clock'>,
  pauses: readonly number[] = [],
) {
  const arrivals: { atMs: number; bytes: Uint8Array }[] = []
  const reader = stream.getReader()
  for (let i = 0; ; i++) {
    if (pauses[i]) await clock.sleep(pauses[i]!)
    const { done, value } = await reader.read()
    if (done) return arrivals
    arrivals.push({ atMs: clock.elapsedMs, bytes: value })
  }
}

const whole = (arrivals: { bytes: Uint8Array }[]) => Buffer.concat(arrivals.map(({ bytes }) => bytes))

function streamOf(sizes: readonly number[]): ReadableStream<Uint8Array> {
  const all = bytesOf(sizes.reduce((a, b) => a + b, 0))
  let at = 0
  const left = [...sizes]
  return new ReadableStream({
    pull(controller) {
      const size = left.shift()
      if (size === undefined) return controller.close()
      if (size > 0) controller.enqueue(all.subarray(at, at + size))
      else controller.enqueue(new Uint8Array())
      at += size
    },
  })
}

describe('bandwidth', () => {
  test('brings all bytes in order, in the time that they take', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 20_000 }), fc.integer({ min: 5, max: 500 }), async (length, rate) => {
        const mesh = setUp()
        const stream = await mesh.send(bandwidth({ kilobytesPerSecond: rate }, mesh.context), bytesOf(length))
        const arrivals = await mesh.clock.run(read(stream, mesh))
        expect(whole(arrivals)).toEqual(Buffer.from(bytesOf(length)))
        expect(arrivals.at(-1)!.atMs).toBeCloseTo(length / rate, 3)
        expect(mesh.clock.pending).toBe(0)
      }),
      { numRuns: 40 },
    )
  })

  test('is never faster, however the service writes and the caller reads', async () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 3_000 }), { minLength: 1, maxLength: 6 })
    const pauses = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(
        sizes,
        fc.integer({ min: 1, max: 50 }),
        pauses,
        fc.boolean(),
        async (parts, rate, waits, isStream) => {
          const mesh = setUp()
          const length = parts.reduce((a, b) => a + b, 0)
          fc.pre(length > 0)
          const body = isStream ? streamOf(parts) : bytesOf(length)
          const stream = await mesh.send(bandwidth({ kilobytesPerSecond: rate }, mesh.context), body)
          const arrivals = await mesh.clock.run(read(stream, mesh, waits))
          expect(whole(arrivals)).toEqual(Buffer.from(bytesOf(length)))
          // From any moment on, beyond the one piece that may have been waiting.
          const piece = rate * 100
          for (let from = 0; from < arrivals.length; from++) {
            let since = 0
            for (const { atMs, bytes } of arrivals.slice(from)) {
              since += bytes.byteLength
              expect(since).toBeLessThanOrEqual((atMs - arrivals[from]!.atMs) * rate + 2 * piece + 0.001)
            }
          }
        },
      ),
    )
  })
})

test('slowBody brings pieces of its size, each in its time', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 300 }),
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 0, max: 1_000 }),
      async (length, chunkBytes, everyMs) => {
        const mesh = setUp()
        const stream = await mesh.send(slowBody({ chunkBytes, everyMs }, mesh.context), bytesOf(length))
        const arrivals = await mesh.clock.run(read(stream, mesh))
        expect(whole(arrivals)).toEqual(Buffer.from(bytesOf(length)))
        expect(arrivals.map(({ atMs }) => atMs)).toEqual(
          Array.from({ length: Math.ceil(length / chunkBytes) }, (_, i) => (i + 1) * everyMs),
        )
        expect(Math.max(...arrivals.map(({ bytes }) => bytes.byteLength))).toBeLessThanOrEqual(chunkBytes)
      },
    ),
  )
})

test('stall stops at its byte, whatever the pieces of the service', async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(sizes, fc.integer({ min: 0, max: 120 }), async (parts, afterBytes) => {
      const mesh = setUp()
      const length = parts.reduce((a, b) => a + b, 0)
      const stream = await mesh.send(stall({ afterBytes, stallMs: 5_000 }, mesh.context), streamOf(parts))
      const arrivals = await mesh.clock.run(read(stream, mesh))
      expect(whole(arrivals)).toEqual(Buffer.from(bytesOf(length)))
      const early = whole(arrivals.filter(({ atMs }) => atMs === 0)).byteLength
      expect(early).toBe(Math.min(afterBytes, length))
      expect(mesh.clock.elapsedMs).toBe(afterBytes < length ? 5_000 : 0)
    }),
  )
})

describe('a caller that leaves', () => {
  test('in the middle ends the wait at once, cancels the service’s stream, and is written down', async () => {
    const mesh = setUp()
    let cancelled: unknown
    const source = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(bytesOf(10)),
      cancel: (reason) => void (cancelled = reason),
    })
    const stream = await mesh.send(stall({ afterBytes: 3 }, mesh.context), source)
    const reader = stream.getReader()
    expect((await reader.read()).value).toHaveLength(3)
    const next = reader.read()
    await mesh.clock.flush()
    await reader.cancel('enough')
    expect(await next).toMatchObject({ done: true })
    expect(cancelled).toBe('enough')
    expect(mesh.recorded).toEqual(['call.given-up'])
    expect(mesh.clock.pending).toBe(0)
  })

  test('by its signal makes the body fail with that reason', async () => {
    const mesh = setUp()
    const stream = await mesh.send(slowBody({ chunkBytes: 1, everyMs: 100 }, mesh.context), bytesOf(5))
    const reading = stream.getReader().read()
    await mesh.clock.flush()
    mesh.gone.abort(new Error('left'))
    await expect(reading).rejects.toThrow('left')
    expect(mesh.recorded).toEqual(['call.given-up'])
  })

  test('before it has read anything, or because the mesh stops, did not give up', async () => {
    const mesh = setUp()
    await (await mesh.send(stall({}, mesh.context), bytesOf(5))).cancel()
    const reading = (await mesh.send(stall({}, mesh.context), bytesOf(5))).getReader().read()
    await mesh.clock.flush()
    mesh.stopping.abort(new Error('stopped'))
    await expect(reading).rejects.toThrow('stopped')
    expect(mesh.recorded).toEqual([])
  })
})
