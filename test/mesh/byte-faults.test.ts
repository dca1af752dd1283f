import { describe, expect, test } from 'vitest'
import '../../fixtures/vitest.ts'
import { defineMesh, http, HttpResponse } from '../../src/index.ts'
import type { Fault, Mesh } from '../../src/index.ts'
import { clients } from '../support/clients.ts'
import { turn } from '../../src/time/natives.ts'
import { meshes } from '../support/meshes.ts'
import { getRequest, rawHttp } from '../support/raw-http.ts'

const start = meshes()

const text = 'abcdefghijklmnopqrst'
let asked = 0
const site = defineMesh({
  name: 'site',
  services: {
    app: { underTest: true, calls: { files: {} } },
    proxy: { underTest: true, sidecar: true, calls: { files: { timeoutMs: 1_000 } } },
    orders: {
      calls: { files: { timeoutMs: 1_000 } },
    },
    files: {
      handlers: [
        http.get('/text', () => {
          asked++
          return HttpResponse.text(text)
        }),
        http.get('/long', () => HttpResponse.text('x'.repeat(64_000))),
        http.head('/text', () => new HttpResponse(null, { headers: { 'content-length': '20' } })),
        http.get('/none', () => new HttpResponse(null, { status: 204 })),
        http.get('/events', () => {
          const stream = new ReadableStream({
            start(controller) {
              for (const id of [1, 2, 3]) controller.enqueue(new TextEncoder().encode(`data: ${id}\n\n`))
              controller.close()
            },
          })
          return new HttpResponse(stream, { headers: { 'content-type': 'text/event-stream' } })
        }),
      ],
    },
  },
})

type Chaos = Mesh['chaos']

const head = 'HTTP/1.1 200 OK\r\ncontent-length: 20\r\ncontent-type: text/plain\r\nConnection: keep-alive\r\n\r\n'
const chunkedHead =
  'HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n'

/** Each fault that ends a connection: how it is injected, what stands on the wire, how it ends. */
const onTheWire: Record<string, [(chaos: Chaos) => Fault, string | RegExp, string]> = {
  "reset({ at: 'before-headers' })": [(c) => c.reset('files'), '', 'ECONNRESET'],
  "reset({ at: 'after-headers' })": [(c) => c.reset('files', { at: 'after-headers' }), head, 'ECONNRESET'],
  "reset({ at: 'mid-body' })": [(c) => c.reset('files', { at: 'mid-body' }), head + text.slice(0, 10), 'ECONNRESET'],
  'reset({ afterBytes: 3 })': [(c) => c.reset('files', { afterBytes: 3 }), `${head}abc`, 'ECONNRESET'],
  'close()': [(c) => c.close('files'), '', 'FIN'],
  "close({ at: 'after-headers' })": [(c) => c.close('files', { at: 'after-headers' }), head, 'FIN'],
  'truncate()': [(c) => c.truncate('files'), head + text.slice(0, 10), 'FIN'],
  'truncate({ afterBytes: 19 })': [(c) => c.truncate('files', { afterBytes: 19 }), head + text.slice(0, 19), 'FIN'],
  'garbage()': [(c) => c.garbage('files'), /^[^\r\nHIR]{64}$/, 'FIN'],
  'garbage({ bytes })': [(c) => c.garbage('files', { bytes: Uint8Array.of(0, 255, 10) }), '\u0000\u00ff\n', 'FIN'],
  'malformedChunk()': [
    (c) => c.malformedChunk('files'),
    `${chunkedHead}a\r\n${text.slice(0, 10)}\r\nthis is no chunk\r\n`,
    'FIN',
  ],
  'goAway()': [(c) => c.goAway('files'), '', 'FIN'],
}

describe('on the wire of a listener', () => {
  for (const [name, [inject, bytes, ending]] of Object.entries(onTheWire))
    test(`${name} is so to the byte`, async () => {
      const mesh = (await start(site)) as unknown as Mesh
      const fault = inject(mesh.chaos)
      const seen = await rawHttp(mesh.url('files', { from: 'app' }), getRequest('/text'))
      if (bytes instanceof RegExp) expect(seen.bytes).toMatch(bytes)
      else expect(seen.bytes).toBe(bytes)
      expect(seen.ending).toBe(ending)
      expect(fault.hits).toBe(1)
      fault.revert()
      const after = await rawHttp(mesh.url('files', { from: 'app' }), getRequest('/text', 'connection: close'))
      expect(after.bytes.endsWith(text)).toBe(true)
    })

  test('what is not processed and what is', async () => {
    const mesh = (await start(site)) as unknown as Mesh
    const processed = async (inject: (chaos: Chaos) => Fault) => {
      asked = 0
      using _fault = inject(mesh.chaos)
      await rawHttp(mesh.url('files', { from: 'app' }), getRequest('/text'))
      return asked === 1
    }
    const seen: Record<string, boolean> = {}
    for (const [name, [inject]] of Object.entries(onTheWire)) seen[name] = await processed(inject)
    expect(Object.keys(seen).filter((name) => !seen[name])).toEqual([
      "reset({ at: 'before-headers' })",
      'close()',
      'garbage()',
      'garbage({ bytes })',
      'goAway()',
    ])
  })

  test('the head comes in pieces that add up to it, and the connection is kept', async () => {
    const mesh = await start(site)
    mesh.chaos.slowHeaders('files', { ms: 30, times: 1 })
    const url = mesh.url('files', { from: 'app' })
    const seen = await rawHttp(url, getRequest('/text') + getRequest('/text', 'connection: close'))
    expect(seen.bytes).toBe(head + text + head.replace('keep-alive', 'close') + text)
    expect(head.startsWith(seen.pieces[0]!)).toBe(true)
    expect(seen.pieces[0]!.length).toBeLessThan(head.length)
  })

  test('garbage in answer to a pipelined request waits for the answers before it', async () => {
    const mesh = await start(site)
    mesh.chaos.slowBody('files', { chunkBytes: 10, everyMs: 5, when: ({ headers }) => !headers.some(isBad) })
    mesh.chaos.garbage('files', { bytes: 'rubbish', when: ({ headers }) => headers.some(isBad) })
    const seen = await rawHttp(
      mesh.url('files', { from: 'app' }),
      getRequest('/text') + getRequest('/text', 'x-bad: 1'),
    )
    expect(seen.bytes).toBe(`${head}${text}rubbish`)
  })

  test('a body is paced with the length that it has', async () => {
    const mesh = await start(site)
    mesh.chaos.slowBody('files', { chunkBytes: 5, everyMs: 20 })
    const url = mesh.url('files', { from: 'app' })
    const { bytes, pieces } = await rawHttp(url, getRequest('/text', 'connection: close'))
    expect(bytes).toBe(head.replace('keep-alive', 'close') + text)
    expect(pieces.length).toBeGreaterThan(2)
  })

  test('a client of HTTP/1.0, which knows no chunks, is reset where a chunk would be malformed', async () => {
    const mesh = await start(site)
    mesh.chaos.malformedChunk('files')
    const seen = await rawHttp(mesh.url('files', { from: 'app' }), 'GET /text HTTP/1.0\r\n\r\n')
    expect(seen).toMatchObject({ bytes: '', ending: 'ECONNRESET' })
  })
})

const patience = { timeout: 10_000, interval: 5 }

const isBad = ([name]: readonly [string, string]) => name === 'x-bad'

const everyFault: Record<string, (chaos: Chaos) => Fault> = {
  ...Object.fromEntries(Object.entries(onTheWire).map(([name, [inject]]) => [name, inject])),
  outage: (c) => c.outage('files'),
  latency: (c) => c.latency('files', { ms: 5 }),
  abort: (c) => c.abort('files'),
  hang: (c) => c.hang('files'),
  loseReply: (c) => c.loseReply('files'),
  partition: (c) => c.partition(['app'], ['files']),
  flap: (c) => c.flap('files', { upMs: 0, downMs: 10_000 }),
  slowHeaders: (c) => c.slowHeaders('files', { ms: 20 }),
  'slowHeaders that never end': (c) => c.slowHeaders('files', { ms: 3_600_000 }),
  bandwidth: (c) => c.bandwidth('files', { kilobytesPerSecond: 1 }),
  'bandwidth of almost nothing': (c) => c.bandwidth('files', { kilobytesPerSecond: 0.001 }),
  slowBody: (c) => c.slowBody('files', { chunkBytes: 7, everyMs: 5 }),
  stall: (c) => c.stall('files', { afterBytes: 4, stallMs: 5 }),
  'stall for ever': (c) => c.stall('files', { afterBytes: 4 }),
  packetLoss: (c) => c.packetLoss('files', { percent: 100, losses: 1 }),
}

describe.each([
  ['in process', async () => 'http://files/text'],
  ['over a listener', async (mesh: Mesh) => `${mesh.url('files', { from: 'app' })}/text`],
] as const)('after %s', (_where, urlOf) => {
  for (const [name, inject] of Object.entries(everyFault))
    test(`${name} is taken back, the next call works and nothing remains`, async () => {
      const mesh = (await start(site)) as unknown as Mesh
      const url = await urlOf(mesh)
      for (const client of ['fetch', 'http.request'] as const) {
        const fault = inject(mesh.chaos)
        const gone = new AbortController()
        let isOver = false
        const asking = clients[client](url, gone.signal).then(
          () => (isOver = true),
          () => (isOver = true),
        )
        // Whatever comes, as long as the fault has met it; a closed port is met before any request.
        await expect.poll(() => isOver || fault.hits > 0, patience).toBe(true)
        await Promise.race([asking, turn()])
        gone.abort()
        await asking
        expect(fault.hits).toBe(name === 'outage' && url.includes('127.0.0.1') ? 0 : 1)
        fault.revert()
        expect(mesh.chaos.faults).toEqual([])
        await expect.poll(() => clients[client](url).catch(String), patience).toBe(text)
        expect(await clients[client](url)).toBe(text)
      }
      await mesh.settled()
    })
})

describe('in virtual time', () => {
  const timed = (inject: (chaos: Chaos) => Fault, path = '/text', read = readAll) => {
    const seen: number[] = []
    return start(site).then(async (mesh) => {
      await mesh.simulate(async ({ now }) => {
        inject(mesh.chaos as unknown as Chaos)
        await read(`http://files${path}`, () => seen.push(now()))
      })
      return seen
    })
  }
  /** Tells of the head, of each piece, and of the end. */
  async function readAll(url: string, tell: () => void) {
    const response = await fetch(url)
    tell()
    let all = 0
    for await (const piece of response.body!) {
      all += piece.byteLength
      tell()
    }
    expect(all).toBe(url.endsWith('/long') ? 64_000 : url.endsWith('/events') ? 27 : text.length)
    tell()
  }

  test('slowHeaders takes what it says', async () => {
    expect(await timed((c) => c.slowHeaders('files', { ms: 12_345 }))).toEqual([12_345, 12_345, 12_345])
  })

  test('bandwidth takes what the bytes take', async () => {
    const at = await timed((c) => c.bandwidth('files', { kilobytesPerSecond: 32 }), '/long')
    expect([at[0], at[1], at.at(-1)]).toEqual([0, 100, 2_000])
    expect(at).toHaveLength(22)
  })

  test('slowBody takes its time for each piece', async () => {
    const at = await timed((c) => c.slowBody('files', { chunkBytes: 8, everyMs: 1_000 }))
    expect(at).toEqual([0, 1_000, 2_000, 3_000, 3_000])
  })

  test('stall stops where it says and goes on when it says', async () => {
    expect(await timed((c) => c.stall('files', { afterBytes: 4, stallMs: 60_000 }))).toEqual([0, 0, 60_000, 60_000])
    expect(await timed((c) => c.stall('files', { stallMs: 60_000 }))).toEqual([0, 60_000, 60_000])
    expect(await timed((c) => c.stall('files', { afterBytes: 20, stallMs: 60_000 }))).toEqual([0, 0, 0])
  })

  test('streams of a service are paced, too', async () => {
    const at = await timed((c) => c.slowBody('files', { chunkBytes: 9, everyMs: 1_000 }), '/events')
    expect(at).toEqual([0, 1_000, 2_000, 3_000, 3_000])
  })

  test('faults add up', async () => {
    const at = await timed((c) => {
      c.latency('files', { ms: 100 })
      c.slowHeaders('files', { ms: 1_000 })
      return c.slowBody('files', { chunkBytes: 10, everyMs: 10 })
    })
    expect(at).toEqual([1_100, 1_110, 1_120, 1_120])
  })

  test('a lost packet is late by 200, 600 or more ms, and one lost too often ends the connection', async () => {
    const mesh = await start(site)
    const waits: number[] = []
    let broken = 0
    await mesh.simulate(async ({ now }) => {
      mesh.chaos.packetLoss('files', { percent: 20, losses: 3 })
      for (let i = 0; i < 400; i++) {
        const before = now()
        await clients.fetch('http://files/text').catch((error: Error & { cause: { code: string } }) => {
          expect(error.cause.code).toBe('ECONNRESET')
          broken++
        })
        waits.push(now() - before)
      }
    })
    // Each leg is one packet, lost 0 to 3 times.
    const legs = [0, 200, 600, 1_400]
    const possible = new Set(legs.flatMap((there) => legs.map((back) => there + back)))
    expect(waits.filter((ms) => !possible.has(ms))).toEqual([])
    const share = waits.filter((ms) => ms === 0).length / waits.length
    // No loss of two packets: 0.8^2. Four standard deviations of a binomial with n = 400.
    expect(Math.abs(share - 0.64)).toBeLessThan(4 * Math.sqrt((0.64 * 0.36) / 400))
    expect(broken).toBeGreaterThan(0)
    expect(broken).toBeLessThan(20)
  })

  test('Linux gives up on a connection of which nothing arrives after 924.6 s', async () => {
    const mesh = await start(site)
    await mesh.simulate(async ({ now }) => {
      mesh.chaos.packetLoss('files', { percent: 100 })
      await expect(fetch('http://files/text')).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } })
      expect(now()).toBe(924_600)
    })
  })

  test.each([
    ['slowHeaders', (c: Chaos) => c.slowHeaders('files', { ms: 5_000 })],
    ['bandwidth', (c: Chaos) => c.bandwidth('files', { kilobytesPerSecond: 0.001 })],
    ['stall', (c: Chaos) => c.stall('files', { afterBytes: 4 })],
  ])('a caller that gives up during %s ends it, and is found to have timed out', async (_name, inject) => {
    const mesh = await start(site)
    await mesh.simulate(async ({ now, sleep }) => {
      inject(mesh.chaos as unknown as Chaos)
      await expect(clients.fetch('http://files/text', AbortSignal.timeout(1_000))).rejects.toMatchObject({
        name: 'TimeoutError',
      })
      expect(now()).toBe(1_000)
      await sleep(1)
      expect(mesh.journal.where({ type: 'call.given-up' })).toMatchObject([{ t: 1_000, edge: 'app->files' }])
      expect(mesh.edge('app->files')).toHaveTimedOut({ times: 1 })
      await mesh.settled()
    })
  })

  test('a caller that takes its time, and takes all, has not timed out', async () => {
    const mesh = await start(site)
    await mesh.simulate(async () => {
      mesh.chaos.slowHeaders('files', { ms: 500 })
      mesh.chaos.slowBody('files', { chunkBytes: 1, everyMs: 100 })
      expect(await clients.fetch('http://files/text')).toBe(text)
      expect(mesh.edge('app->files')).not.toHaveTimedOut()
      expect(mesh.edge('app->files').calls).toMatchObject([{ outcome: 'answered', durationMs: 500 }])
    })
  })

  test('the time-out of an edge covers a head that trickles, in a service and in a sidecar', async () => {
    const mesh = await start(site)
    await mesh.simulate(async ({ now }) => {
      mesh.chaos.slowHeaders('files', { ms: 5_000 })
      expect((await mesh.call('orders', 'files', '/text')).status).toBe(504)
      expect(now()).toBe(1_000)
      expect((await mesh.call('proxy', 'files', '/text')).status).toBe(504)
      expect(now()).toBe(2_000)
    })
  })
})

describe('a body', () => {
  test('shorter than `afterBytes` arrives whole', async () => {
    const mesh = await start(site)
    mesh.chaos.truncate('files', { afterBytes: 20 })
    mesh.chaos.reset('files', { afterBytes: 21 })
    expect(await clients.fetch('http://files/text')).toBe(text)
  })

  test('of a stream breaks at the byte', async () => {
    const mesh = await start(site)
    for (const [inject, message] of [
      [() => mesh.chaos.truncate('files', { afterBytes: 13 }), 'other side closed'],
      [() => mesh.chaos.reset('files', { afterBytes: 13 }), 'read ECONNRESET'],
    ] as const) {
      using _fault = inject()
      const response = await fetch('http://files/events')
      let read = ''
      const error = await (async () => {
        for await (const piece of response.body!) read += Buffer.from(piece).toString()
      })().catch((reason: Error & { cause: Error }) => reason.cause.message)
      expect([read, error]).toEqual(['data: 1\n\ndata', message])
    }
  })

  test.each(['/none', 'HEAD'])('that is not there has no middle: %s', async (what) => {
    const mesh = (await start(site)) as unknown as Mesh
    const send = () =>
      (what === 'HEAD' ? fetch('http://files/text', { method: 'HEAD' }) : fetch('http://files/none')).then(
        ({ status }) => status,
        (error: Error & { cause: { code: string } }) => error.cause.code,
      )
    const seen = async (inject: (chaos: Chaos) => Fault) => {
      using _fault = inject(mesh.chaos)
      return await send()
    }
    expect(await seen((c) => c.truncate('files'))).toBe('UND_ERR_SOCKET')
    expect(await seen((c) => c.reset('files', { afterBytes: 1 }))).toBe('ECONNRESET')
    expect(await seen((c) => c.close('files', { at: 'after-headers' }))).toBe('UND_ERR_SOCKET')
    expect(await seen((c) => c.malformedChunk('files'))).toBe('ECONNRESET')
    expect(await seen((c) => c.stall('files'))).toBe(what === 'HEAD' ? 200 : 204)
    expect(await seen((c) => c.bandwidth('files', { kilobytesPerSecond: 0.001 }))).toBe(what === 'HEAD' ? 200 : 204)
  })

  test('that is paced ends when the mesh stops', async () => {
    const mesh = await start(site)
    mesh.chaos.stall('files', { afterBytes: 4 })
    const response = await fetch('http://files/text')
    const direct = await mesh.call('app', 'files', '/text')
    const reading = Promise.allSettled([response.text(), direct.text()])
    await mesh.stop()
    expect((await reading).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(mesh.journal.where({ type: 'call.given-up' })).toEqual([])
  })
})

test('garbage is what the seed says, call by call', async () => {
  const bytes = async (seed: number) => {
    const mesh = await start(site, { seed })
    mesh.chaos.garbage('files')
    const url = mesh.url('files', { from: 'app' })
    return [await rawHttp(url, getRequest('/text')), await rawHttp(url, getRequest('/text'))].map((one) => one.bytes)
  }
  const [first, second] = await bytes(3)
  expect(await bytes(3)).toEqual([first, second])
  expect(second).not.toBe(first)
  expect(await bytes(4)).not.toContain(first)
})

test('what is injected is written down', async () => {
  const mesh = await start(site)
  const { chaos } = mesh
  chaos.reset('files', { afterBytes: 3 })
  chaos.close('files', { at: 'after-headers', times: 2 })
  chaos.garbage('app->files', { bytes: 'abc' })
  chaos.stall('files', { afterBytes: 4, stallMs: 5, forMs: 100 })
  chaos.packetLoss('files', { percent: 5, afterMs: 3 })
  const injected = mesh.journal.where({ type: 'fault.injected' })
  expect(injected.map(({ kind, options }) => [kind, options])).toEqual([
    ['reset', { at: 'mid-body', afterBytes: 3 }],
    ['close', { at: 'after-headers', times: 2 }],
    ['garbage', { bytes: 3 }],
    ['stall', { afterBytes: 4, stallMs: 5, forMs: 100 }],
    ['packet-loss', { percent: 5, afterMs: 3 }],
  ])
})

test.each([
  [
    (c: Chaos) => c.reset('files', { at: 'before-headers', afterBytes: 1 }),
    /chaos.reset: expected `at` to be "mid-body"/,
  ],
  [
    (c: Chaos) => c.reset('files', { at: 'now' as never }),
    /"before-headers", "after-headers" or "mid-body", got "now"/,
  ],
  [(c: Chaos) => c.close('files', { at: 'mid-body' as never }), /"before-headers" or "after-headers", got "mid-body"/],
  [
    (c: Chaos) => c.truncate('files', { afterBytes: 1.5 }),
    /chaos.truncate: expected `afterBytes` to be an integer >= 0/,
  ],
  [(c: Chaos) => c.garbage('files', { bytes: '' }), /chaos.garbage: expected `bytes` to be a string or a Uint8Array/],
  [(c: Chaos) => c.slowHeaders('files', {} as never), /chaos.slowHeaders: expected `ms` to be a number >= 0/],
  [(c: Chaos) => c.bandwidth('files', { kilobytesPerSecond: 0 }), /`kilobytesPerSecond` to be a number >= 0.001/],
  [(c: Chaos) => c.slowBody('files', { chunkBytes: 0, everyMs: 1 }), /`chunkBytes` to be an integer >= 1/],
  [(c: Chaos) => c.stall('files', { stallMs: -1 }), /`stallMs` to be a number >= 0/],
  [(c: Chaos) => c.packetLoss('files', { percent: 101 }), /`percent` to be a number from 0 to 100/],
  [(c: Chaos) => c.packetLoss('files', 5 as never), /Write chaos.packetLoss\(target, \{ percent: 5 \}\)/],
  [(c: Chaos) => c.goAway('files', { ms: 1 } as never), /chaos.goAway: unknown option `ms`/],
])('a bad option is refused: %s', async (inject, message) => {
  const mesh = (await start(site)) as unknown as Mesh
  expect(() => inject(mesh.chaos)).toThrow(message)
  expect(mesh.chaos.faults).toEqual([])
})
