import crypto from 'node:crypto'
import dns from 'node:dns/promises'
import fs from 'node:fs'
import { setImmediate as turn, setTimeout as nap } from 'node:timers/promises'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { createRandom } from '../../../src/random/random.ts'
import { shared } from '../../../src/time/scope.ts'
import { currentWorld, simulate } from '../../../src/time/simulate.ts'

const file = 'package.json'
const noise = () => crypto.randomBytes(500_000)

const works: Record<string, () => Promise<unknown>> = {
  'fs.promises.readFile': () => fs.promises.readFile(file),
  'fs.readFile': () => promisify(fs.readFile)(file),
  'a file stream': () => text(fs.createReadStream(file, { highWaterMark: 100 })),
  'dns.lookup': () => dns.lookup('127.0.0.1'),
  pbkdf2: () => promisify(crypto.pbkdf2)('secret', 'salt', 20_000, 32, 'sha256'),
  'crypto.subtle.digest': () => crypto.subtle.digest('SHA-256', noise()),
  gzip: () => promisify(zlib.gzip)(noise()),
  'gzip and back': async () => promisify(zlib.gunzip)(await promisify(zlib.gzip)(noise())),
  CompressionStream: () =>
    new Response(new Blob([noise()]).stream().pipeThrough(new CompressionStream('gzip'))).arrayBuffer(),
  'Blob.text': () => new Blob(['x'.repeat(300_000)]).text(),
  setImmediate: () => turn(),
}

describe('real I/O in a world', () => {
  test.each(Object.keys(works))('%s wins against a virtual time-out', async (name) => {
    const winner = await simulate({ random: createRandom(1) }, async ({ now }) => {
      const winner = await Promise.race([nap(10, 'the time-out'), works[name]!().then(() => name)])
      expect(now()).toBe(0)
      return winner
    })
    expect(winner).toBe(name)
  })

  test('is named by its kind', async () => {
    await simulate({ random: createRandom(1) }, async () => {
      await fs.promises.readFile(file)
      expect([...currentWorld()!.outside]).toEqual(['real I/O (files)'])
    })
  })

  test('does not wait for synchronous work, nor for a stream that nobody writes to', async () => {
    await simulate({ random: createRandom(1), maxRealIoMs: 100 }, async ({ sleep }) => {
      crypto.pbkdf2Sync('secret', 'salt', 10, 32, 'sha256')
      crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' })
      zlib.gzipSync('text')
      fs.readFileSync(file)
      zlib.createGzip()
      await sleep(5)
      expect([...currentWorld()!.outside]).toEqual([])
    })
  })

  test('of one world does not stop another', async () => {
    const order: string[] = []
    await Promise.all([
      simulate({ random: createRandom(1) }, async ({ sleep }) => {
        await promisify(crypto.pbkdf2)('secret', 'salt', 300_000, 32, 'sha256')
        await sleep(1)
        order.push('with I/O')
      }),
      simulate({ random: createRandom(1) }, async ({ sleep }) => {
        await sleep(60_000)
        order.push('without')
      }),
    ])
    expect(order).toEqual(['without', 'with I/O'])
  })

  test('is watched only while a world runs', async () => {
    expect(shared.io).toBeUndefined()
    await simulate({ random: createRandom(1) }, () => expect(shared.io?.users).toBe(1))
    expect(shared.io).toBeUndefined()
  })
})
