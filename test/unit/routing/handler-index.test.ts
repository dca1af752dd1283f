import fc from 'fast-check'
import { getResponse, http, HttpResponse } from 'msw'
import type { RequestHandler } from 'msw'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { HandlerIndex, routeOf } from '../../../src/routing/handler-index.ts'
import { graphql } from '../../support/own-msw.ts'

const origin = 'http://orders'
const ok = () => HttpResponse.json({})

/** Which of the handlers MSW itself would let answer. */
async function takenByMsw(
  handlers: readonly RequestHandler[],
  method: string,
  path: string,
): Promise<RequestHandler[]> {
  const takes = async (handler: RequestHandler) =>
    (await getResponse([handler], new Request(origin + path, { method }), { baseUrl: origin })) !== undefined
  const taken = await Promise.all(handlers.map(takes))
  return handlers.filter((_, at) => taken[at])
}

const segment = fc.constantFrom(
  'a',
  'b',
  'a b',
  'a%20b',
  'ä',
  'a.b',
  '~',
  ':id',
  ':other',
  '*',
  ':id?',
  ':id+',
  ':id(\\d+)',
  'x-:id',
)
const declared = fc.oneof(
  fc.array(segment, { maxLength: 3 }).map((segments) => `/${segments.join('/')}`),
  fc.constantFrom('*', '*/a', `${origin}/a`, `${origin}/a/:id`, 'http://others/a', '/a/', 'a'),
)
const asked = fc
  .array(fc.constantFrom('a', 'A', 'b', 'a%20b', '%C3%A4', 'a.b', '~', '7', 'x-7'), { maxLength: 3 })
  .chain((segments) => fc.constantFrom(`/${segments.join('/')}`, `/${segments.join('/')}/`.replace('//', '/')))
const method = fc.constantFrom('get', 'post', 'all')

describe('the candidates for a request', () => {
  // MSW takes the mark of an optional parameter for a query, and warns.
  beforeEach(() => void vi.spyOn(console, 'warn').mockReturnValue())
  afterEach(() => vi.restoreAllMocks())

  test('hold every handler that MSW would let answer, in the order of declaration', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(method, declared), { minLength: 1, maxLength: 6 }),
        fc.constantFrom('GET', 'POST', 'DELETE'),
        asked,
        async (routes, requestMethod, path) => {
          const handlers = routes.map(([name, at]) => http[name as 'get'](at, ok))
          const candidates = new HandlerIndex(handlers, origin).candidates(requestMethod, path)
          expect(candidates).toEqual(handlers.filter((handler) => candidates.includes(handler)))
          for (const handler of await takenByMsw(handlers, requestMethod, path)) expect(candidates).toContain(handler)
        },
      ),
      { numRuns: 300 },
    )
  })

  test('are few however many handlers there are', () => {
    const handlers = Array.from({ length: 500 }, (_, i) => http.get(`/items-${i}/:id`, ok))
    expect(new HandlerIndex(handlers, origin).candidates('GET', '/items-77/1')).toEqual([handlers[77]])
  })

  test('hold regular expressions and predicates always: only MSW can tell', () => {
    const handlers = [http.get(/items/, ok), http.all(({ request }) => request.url.endsWith('7'), ok)]
    expect(new HandlerIndex(handlers, origin).candidates('GET', '/x')).toEqual(handlers)
  })
})

test('a handler is named as its author wrote it', () => {
  const handlers = [
    http.post('/charges', ok),
    http.all('/any', ok),
    http.get(/items/, ok),
    graphql.link('http://orders/graphql').query('Cart', ok),
  ]
  const expected = ['POST /charges', 'ANY /any', 'GET /items/', expect.stringContaining('query Cart')]
  expect(handlers.map(routeOf)).toEqual(expected)
})
