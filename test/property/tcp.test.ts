import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { defineMesh } from '../../src/index.ts'
import type { Mesh } from '../../src/index.ts'
import { turn } from '../../src/time/natives.ts'
import { byteServers } from '../support/byte-servers.ts'
import { meshes } from '../support/meshes.ts'

const start = meshes()
const { serve, dial } = byteServers()

const definition = (upstream: string) =>
  defineMesh({
    name: 'bytes',
    services: { app: { underTest: true, calls: { store: {} } }, store: { tcp: true, upstream } },
  })

const leg = fc.constantFrom('request' as const, 'reply' as const, undefined)
const withLeg = <T extends object>(options: T, way: 'request' | 'reply' | undefined) => ({
  ...options,
  ...(way && { leg: way }),
})

type Act = (mesh: Mesh, write: (bytes: Uint8Array) => void) => void

/** Faults that lose nothing, whenever they begin and end. */
const fault: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ ms: fc.nat(4), jitterMs: fc.nat(4), leg }).map(
    ({ leg: way, ...rest }): Act =>
      (mesh) =>
        void mesh.chaos.latency('store', withLeg(rest, way)),
  ),
  fc.integer({ min: 100, max: 5_000 }).map(
    (kilobytesPerSecond): Act =>
      (mesh) =>
        void mesh.chaos.bandwidth('store', { kilobytesPerSecond }),
  ),
  fc.record({ bytes: fc.integer({ min: 1, max: 400 }), leg }).map(
    ({ leg: way, ...rest }): Act =>
      (mesh) =>
        void mesh.chaos.slice('store', withLeg(rest, way)),
  ),
  fc.record({ afterBytes: fc.nat(500), stallMs: fc.nat(4) }).map(
    (options): Act =>
      (mesh) =>
        void mesh.chaos.stall('store', options),
  ),
  fc.nat(4).map(
    (ms): Act =>
      (mesh) =>
        void mesh.chaos.slowClose('store', { ms }),
  ),
  fc.constant<Act>((mesh) => void mesh.chaos.hang('store')),
  fc.constant<Act>((mesh) => void mesh.chaos.loseReply('store')),
  fc.constantFrom('to' as const, 'from' as const, 'both' as const).map(
    (direction): Act =>
      (mesh) =>
        void mesh.chaos.partition(['app'], ['store'], { direction }),
  ),
)
const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.uint8Array({ minLength: 1, maxLength: 1_000 }).map(
      (bytes): Act =>
        (_, write) =>
          write(bytes),
    ),
  },
  { weight: 2, arbitrary: fault },
  { weight: 1, arbitrary: fc.constant<Act>((mesh) => mesh.chaos.faults.at(0)?.revert()) },
)

describe('bytes through faults that lose nothing', () => {
  test('arrive as they were sent and in order, there and back', async () => {
    const mesh = await start(definition((await serve()).url))
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(act, fc.nat(3)), { maxLength: 30 }), async (acts) => {
        const sent: Uint8Array[] = []
        const client = await dial(mesh.url('store'))
        for (const [does, turns] of acts) {
          does(mesh, (bytes) => {
            sent.push(bytes)
            client.socket.write(bytes)
          })
          for (let i = 0; i < turns; i++) await turn()
        }
        client.socket.end()
        await turn()
        mesh.chaos.heal()
        expect(await client.ending).toBe('FIN')
        expect(client.received().equals(Buffer.concat(sent))).toBe(true)
        expect(mesh.edge('app->store').connections.at(-1)).toMatchObject({
          bytesSent: client.received().byteLength,
          bytesReceived: client.received().byteLength,
        })
      }),
      { numRuns: 60 },
    )
  })

  test('cut short by a limit, are the first so many', async () => {
    const mesh = await start(definition((await serve()).url))
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 1, maxLength: 5_000 }),
        fc.integer({ min: 1, max: 6_000 }),
        fc.option(fc.integer({ min: 1, max: 700 }), { nil: undefined }),
        async (bytes, limit, slice) => {
          mesh.chaos.limit('store', { bytes: limit })
          if (slice) mesh.chaos.slice('store', { bytes: slice })
          const client = await dial(mesh.url('store'))
          client.socket.end(bytes)
          const ending = await client.ending
          mesh.chaos.heal()
          // What the client sends into a connection that was cut is answered with an RST.
          if (limit > bytes.byteLength) expect(ending).toBe('FIN')
          expect(client.received().equals(Buffer.from(bytes.subarray(0, limit)))).toBe(true)
        },
      ),
      { numRuns: 60 },
    )
  })
})
