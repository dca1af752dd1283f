import { getResponse, http, HttpResponse } from 'msw'
import type { HttpHandler, HttpResponseResolver } from 'msw'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { directRun } from '../../../src/routing/direct-run.ts'

const origin = 'http://api.test'
let asked = 0

function run(handler: HttpHandler, path: string, init: RequestInit = {}) {
  const request = new Request(origin + path, init)
  const cookie = request.headers.get('cookie') ?? undefined
  const pathname = path.split('?', 1)[0]!
  return directRun(handler, { id: `call ${++asked}`, pathname, request, cookie })
}

const echo: HttpResponseResolver = ({ params, cookies }) => HttpResponse.json({ params, cookies })

describe('a handler run directly', () => {
  test('answers what MSW would let it answer, for every path that it takes upon itself', async () => {
    const segment = fc.constantFrom('a', 'A', 'item', 'x.y', 'a-b', '7', '~', 'a%20b', '%zz', 'é', '')
    const pattern = fc.array(fc.constantFrom('a', 'item', 'x.y', 'a-b', ':id', ':other', '*', 'a b'), {
      minLength: 1,
      maxLength: 3,
    })
    await fc.assert(
      fc.asyncProperty(pattern, fc.array(segment, { maxLength: 3 }), fc.boolean(), async (wanted, given, slash) => {
        fc.pre(new Set(wanted).size === wanted.length)
        const path = `/${given.join('/')}${slash ? '/' : ''}`
        fc.pre(new URL(origin + path).pathname === path)
        const handler = http.get(`/${wanted.join('/')}`, echo)
        const direct = await run(handler, path)
        if (direct === undefined) return
        const request = new Request(origin + path)
        const byMsw = await getResponse([http.get(`/${wanted.join('/')}`, echo)], request, { baseUrl: origin })
        expect(await direct.json()).toEqual(await byMsw?.json())
      }),
      { numRuns: 400 },
    )
  })

  test('gets its parameters and the cookies of the request alone', async () => {
    const response = await run(http.get('/items/:id', echo), '/items/Seven?x=1', {
      headers: { cookie: 'a=1; b="two%20words"; a=3; broken; c=%zz' },
    })
    expect(await response?.json()).toEqual({ params: { id: 'Seven' }, cookies: { a: '1', b: 'two words', c: '%zz' } })
  })

  test('answers once when it is to answer once', async () => {
    const handler = http.get('/a', echo, { once: true })
    expect((await run(handler, '/a'))?.status).toBe(200)
    expect(await run(handler, '/a')).toBeUndefined()
  })

  test('goes on with its generator from request to request, and stays with the last answer', async () => {
    const handler = http.get('/a', function* () {
      yield HttpResponse.text('one')
      yield HttpResponse.text('two')
      return HttpResponse.text('last')
    })
    const texts: (string | undefined)[] = []
    for (let i = 0; i < 4; i++) texts.push(await (await run(handler, '/a'))?.text())
    expect(texts).toEqual(['one', 'two', 'last', 'last'])
  })

  test('may throw its answer, and throws what is none', async () => {
    const answer = http.get('/a', () => {
      throw HttpResponse.text('thrown', { status: 418 })
    })
    expect((await run(answer, '/a'))?.status).toBe(418)
    const failing = http.get('/a', () => {
      throw new Error('broken')
    })
    await expect(run(failing, '/a')).rejects.toThrow('broken')
  })

  test('cleans up when it has answered', async () => {
    const heard: string[] = []
    const handler = http.get('/a', ({ finalize }) => {
      finalize(() => void heard.push('first'))
      finalize(() => void heard.push('second'))
      return HttpResponse.text('done')
    })
    // What was scheduled runs when the body has been read.
    expect(await (await run(handler, '/a'))?.text()).toBe('done')
    await expect.poll(() => heard).toEqual(['second', 'first'])
  })

  test('leaves to MSW what is no plain path, and other kinds of handlers', () => {
    for (const path of ['*/a', '/a/*', 'http://api.test/a', '/a(b)'])
      expect(run(http.get(path, echo), '/a')).toBeUndefined()
    expect(run(http.get(/a/, echo), '/a')).toBeUndefined()
    expect(run(http.get('/a', echo), '//a')).toBeUndefined()
  })
})
