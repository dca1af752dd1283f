import { describe, expect, test } from 'vitest'
import { matchRoute, parseRoute } from '../../../src/topology/route.ts'

describe('parseRoute', () => {
  test.each([
    ['POST /charges', { method: 'POST', path: '/charges' }],
    ['/charges', { path: '/charges' }],
    ['get  /items/:id', { method: 'GET', path: '/items/:id' }],
    [' DELETE /files/* ', { method: 'DELETE', path: '/files/*' }],
    ['/', { path: '/' }],
    ['/*', { path: '/*' }],
  ])('reads %j', (route, expected) => {
    expect(parseRoute(route)).toStrictEqual(expected)
  })

  const usual = 'Write it as "POST /charges", "GET /items/:id" or "/charges".'
  test.each([
    [7, 'Route 7 (number): expected a string.', usual],
    ['', 'Route "" (string): expected a method and a path, or a path.', usual],
    ['POST /a /b', 'Route "POST /a /b" (string): expected a method and a path, or a path.', usual],
    [
      'PSOT /a',
      'Route "PSOT /a" (string): unknown method "PSOT". Did you mean "POST"?',
      'Methods: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS.',
    ],
    ['charges', 'Route "charges" (string): the path has to begin with "/".', 'Write "/charges".'],
    ['POST charges', 'Route "POST charges" (string): the path has to begin with "/".', 'Write "POST /charges".'],
    ['post', 'Route "post" (string): the path has to begin with "/".', 'For every path write "POST /*".'],
    [
      'GET https://a.test/items',
      'Route "GET https://a.test/items" (string): expected a path, not a URL.',
      'The service is known already: write "GET /items".',
    ],
    [
      'GET http://',
      'Route "GET http://" (string): expected a path, not a URL.',
      'The service is known already: write "GET /".',
    ],
    [
      '/items?full=1',
      'Route "/items?full=1" (string): expected a path without query and fragment.',
      'A route matches whatever the query is.',
    ],
    ['/a/*/b', 'Route "/a/*/b" (string): "*" may only be the last segment.', usual],
    ['/a*', 'Route "/a*" (string): "*" may only be the last segment.', usual],
    ['/:', 'Route "/:" (string): ":" is no parameter, which is ":" and a name.', usual],
    [
      '/:id?',
      'Route "/:id?" (string): expected a path without query and fragment.',
      'A route matches whatever the query is.',
    ],
    ['/:a/:a', 'Route "/:a/:a" (string): the parameter ":a" stands twice.', usual],
  ])('refuses %j', (route, what, fix) => {
    expect(() => parseRoute(route as string)).toThrow(
      expect.objectContaining({ code: 'MESH_INVALID_OPTION', message: `${what}\n  ${fix}   [MESH_INVALID_OPTION]` }),
    )
  })
})

describe('matchRoute', () => {
  test.each([
    ['POST /charges', 'POST', '/charges', {}],
    ['POST /charges', 'post', '/charges?x=1', {}],
    ['POST /charges', 'GET', '/charges', undefined],
    ['/charges', 'PATCH', '/charges/', {}],
    ['/charges/', 'PATCH', '/charges#x', {}],
    ['/charges', 'GET', '/Charges', undefined],
    ['/charges', 'GET', '/charges/7', undefined],
    ['/', 'GET', '/', {}],
    ['/', 'GET', '/?a=/b', {}],
    ['/', 'GET', '/a', undefined],
    ['/items/:id', 'GET', '/items/7', { id: '7' }],
    ['/items/:id', 'GET', '/items/a%20b%2Fc', { id: 'a b/c' }],
    ['/items/:id', 'GET', '/items/100%', { id: '100%' }],
    ['/items/:id', 'GET', '/items/', undefined],
    ['/items/:id/parts', 'GET', '/items//parts', undefined],
    ['/items/:id/parts/:part', 'GET', '/items/7/parts/8', { id: '7', part: '8' }],
    ['/items/:id/parts/:part', 'GET', '/items/7/pieces/8', undefined],
    ['/files/*', 'GET', '/files/a/b%20c', { '*': 'a/b c' }],
    ['/files/*', 'GET', '/files', { '*': '' }],
    ['/files/*', 'GET', '/other/a', undefined],
    ['/:user/*', 'GET', '/ada/x/y', { user: 'ada', '*': 'x/y' }],
    ['/*', 'GET', '/', { '*': '' }],
    ['/a b', 'GET', '/a%20b', {}],
  ])('%s on %s %s', (route, method, path, expected) => {
    const parsed = route === '/a b' ? { path: route } : parseRoute(route)
    expect(matchRoute(parsed, method, path)).toEqual(expected)
  })
})
