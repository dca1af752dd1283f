import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ReplySequences } from '../../../src/mesh/replies.ts'
import { matchRoute, parseRoute } from '../../../src/topology/route.ts'

const statusOf = (sequences: ReplySequences, method: string, path: string) => sequences.take(method, path)?.reply.status

const script = (sequences: ReplySequences, route: string, ...statuses: number[]) =>
  sequences.set(parseRoute(route), route, statuses)

describe('scripted replies', () => {
  test('come in turn, and the last one stays', () => {
    const sequences = new ReplySequences()
    script(sequences, 'GET /a', 500, 503, 200)
    expect([1, 2, 3, 4].map(() => statusOf(sequences, 'GET', '/a'))).toEqual([500, 503, 200, 200])
  })

  test('begin anew, and go first, when a route is scripted again', () => {
    const sequences = new ReplySequences()
    script(sequences, 'GET /a', 500, 200)
    script(sequences, 'GET /:any', 204)
    expect(statusOf(sequences, 'GET', '/a')).toBe(204)
    script(sequences, 'GET /a', 502)
    expect(statusOf(sequences, 'GET', '/a')).toBe(502)
    expect(sequences.routes).toEqual(['GET /a', 'GET /:any'])
  })

  test('can be looked at without being used up', () => {
    const sequences = new ReplySequences()
    script(sequences, 'GET /a', 500, 200)
    expect(sequences.peek('GET', '/a')?.reply.status).toBe(500)
    expect(sequences.peek('GET', '/a')?.reply.status).toBe(500)
    expect(statusOf(sequences, 'GET', '/a')).toBe(500)
    expect(sequences.peek('GET', '/a')?.reply.status).toBe(200)
    expect(sequences.peek('GET', '/b')).toBeUndefined()
  })

  test('are found as if each were asked, the latest first, whatever the routes', () => {
    const segment = fc.constantFrom('a', 'A', 'b', 'a%20b', 'a b', '', '.', ':id', ':other', '%zz')
    const paths = fc.array(segment, { maxLength: 3 }).map((segments) => `/${segments.join('/')}`)
    const routes = fc
      .tuple(fc.constantFrom('', 'GET ', 'POST '), paths, fc.constantFrom('', '/*'))
      .map(([method, path, rest]) => `${method}${(path + rest).replace(/\s(?=b)/g, '')}`)
      .filter((route) => {
        try {
          parseRoute(route)
          return true
        } catch {
          return false
        }
      })
    fc.assert(
      fc.property(fc.array(routes, { maxLength: 8 }), fc.array(paths, { maxLength: 8 }), (scripted, asked) => {
        const sequences = new ReplySequences()
        const naive: { route: string; status: number }[] = []
        scripted.forEach((route, i) => {
          script(sequences, route, 200 + i)
          const { method, path } = parseRoute(route)
          const known = naive.findIndex(({ route: other }) => {
            const parsed = parseRoute(other)
            return parsed.method === method && parsed.path === path
          })
          if (known !== -1) naive.splice(known, 1)
          naive.unshift({ route, status: 200 + i })
        })
        for (const path of asked)
          for (const method of ['GET', 'POST', 'GET']) {
            const expected = naive.find(({ route }) => matchRoute(parseRoute(route), method, path))?.status
            expect(statusOf(sequences, method, path)).toBe(expected)
            expect(statusOf(sequences, method, `${path}?q=1`)).toBe(expected)
          }
      }),
      { numRuns: 300 },
    )
  })
})
