import { http, HttpResponse } from 'msw'
import { describe, expect, test, vi } from 'vitest'
import { defineMesh, MeshDefinition } from '../../../src/topology/definition.ts'
import { shop } from './shop.ts'

describe('defineMesh', () => {
  test('answers what was declared', () => {
    expect(shop.name).toBe('shop')
    expect(Object.keys(shop.services)).toEqual(['storefront', 'orders', 'catalog', 'payments', 'emails'])
    expect(shop.edges.map(({ name }) => name)).toEqual([
      'storefront->orders',
      'orders->catalog',
      'orders->payments',
      'orders->emails',
    ])
    expect(shop.edges[3]).toEqual({
      name: 'orders->emails',
      caller: 'orders',
      callee: 'emails',
      options: { mode: 'async' },
    })
  })

  test('fills in what the mesh does by default', () => {
    expect(shop.seed).toBeUndefined()
    expect(shop.undeclaredCalls).toBe('fail')
    expect(shop.unhandledRequests).toBe('fail')
    expect(shop.hopLimit).toBe(32)
    const loose = defineMesh({
      name: 'loose',
      services: { orders: {} },
      seed: 7,
      undeclaredCalls: 'allow',
      unhandledRequests: 'passthrough',
      hopLimit: 3,
    })
    expect([loose.seed, loose.undeclaredCalls, loose.unhandledRequests, loose.hopLimit]).toEqual([
      7,
      'allow',
      'passthrough',
      3,
    ])
  })

  test('has one own enumerable key, which is itself: what test.use() reads', () => {
    expect(Object.entries(shop)).toEqual([['mesh$', shop]])
    expect(Reflect.ownKeys(shop)).toEqual(['mesh$'])
    expect(shop.mesh$).toBe(shop)
  })

  test('is recognised by its brand, also when another copy of the module made it', async () => {
    vi.resetModules()
    const other = await import('../../../src/topology/definition.ts')
    const foreign = other.defineMesh({ name: 'foreign', services: { a: { calls: { a: {} } } } })
    expect(foreign).not.toBeInstanceOf(MeshDefinition)
    expect(MeshDefinition.is(foreign)).toBe(true)
    expect(foreign.services).toEqual({ a: { calls: { a: {} } } })
    expect(foreign.edges[0]?.name).toBe('a->a')
    expect(foreign.with({ seed: 1 }).seed).toBe(1)
    for (const no of [undefined, null, 'shop', {}, { name: 'shop', services: {} }])
      expect(MeshDefinition.is(no)).toBe(false)
  })

  test('is frozen all the way down', () => {
    expect(Object.isFrozen(shop)).toBe(true)
    expect(Object.isFrozen(shop.services)).toBe(true)
    expect(Object.isFrozen(shop.edges[1])).toBe(true)
    const { orders } = shop.services
    const backoff = orders.calls?.['catalog']?.retry?.backoff
    const fallback = orders.calls?.['payments']?.fallback
    for (const each of [orders, orders.calls, orders.handlers, backoff, fallback, (fallback as { json: object }).json])
      expect(Object.isFrozen(each)).toBe(true)
  })

  test('copies its input, but takes the handlers themselves', () => {
    const handler = http.get('/', () => HttpResponse.json({}))
    const handlers = [handler]
    const json = { deep: [1] }
    const body = new Uint8Array([1, 2])
    const definition = defineMesh({
      name: 'copy',
      services: { a: { handlers, calls: { a: { fallback: { json } }, b: { fallback: { body } } } }, b: {} },
    })
    json.deep.push(2)
    body[0] = 9
    handlers.pop()
    const { calls, handlers: kept } = definition.services.a
    expect(calls?.['a']?.fallback).toEqual({ json: { deep: [1] } })
    expect(calls?.['b']?.fallback).toEqual({ body: new Uint8Array([1, 2]) })
    expect(kept).toHaveLength(1)
    expect(kept?.[0]).toBe(handler)
    expect(Object.isFrozen(handler)).toBe(false)
  })

  test('leaves out options that are undefined', () => {
    const definition = defineMesh({
      name: 'x',
      services: { a: { url: undefined, calls: { a: { timeoutMs: undefined } } } },
    })
    expect(Object.keys(definition.services.a)).toEqual(['calls'])
    expect(definition.edges[0]?.options).toStrictEqual({})
  })

  test('takes names that are properties of every object', () => {
    const odd = defineMesh({
      name: 'odd',
      services: { constructor: { calls: { valueOf: {} } }, valueOf: {}, hasOwnProperty: {} },
    })
    expect(odd.graph.dependencies('constructor')).toEqual(['valueOf'])
    expect(odd.graph.order()).toEqual(['valueOf', 'constructor', 'hasOwnProperty'])
    expect(odd.graph.toSvg()).toContain('>hasOwnProperty</text>')
  })

  test('becomes JSON with the routes of its handlers', () => {
    const json = JSON.parse(JSON.stringify(shop))
    expect(json.name).toBe('shop')
    expect(json.services.orders.handlers).toEqual(['POST /orders'])
    expect(json.services.payments).toEqual({ instances: 3, handlers: ['POST /charges'] })
  })

  test('builds its graph once', () => {
    expect(shop.graph).toBe(shop.graph)
  })
})

describe('with', () => {
  const base = defineMesh({
    name: 'base',
    seed: 1,
    services: {
      a: { instances: 2, metadata: { zone: 'x' }, calls: { b: { timeoutMs: 100, retry: { attempts: 2 } } } },
      b: {},
    },
  })

  test('adds services, which may call those of the base', () => {
    const more = base.with({ services: { c: { calls: { a: {} } } } })
    expect(Object.keys(more.services)).toEqual(['a', 'b', 'c'])
    expect(more.edges.map(({ name }) => name)).toEqual(['a->b', 'c->a'])
  })

  test('keeps the options of a service that are not given again', () => {
    const more = base.with({ services: { a: { instances: 5 } } })
    expect(more.services.a).toEqual({ ...base.services.a, instances: 5 })
  })

  test('replaces an option as a whole', () => {
    expect(base.with({ services: { a: { metadata: { tier: '1' } } } }).services.a.metadata).toEqual({ tier: '1' })
  })

  test('merges calls by callee, and the options of a callee that is given again', () => {
    const more = base.with({ services: { a: { calls: { a: {}, b: { timeoutMs: 5 } } } } })
    expect(more.services.a.calls).toEqual({ b: { timeoutMs: 5, retry: { attempts: 2 } }, a: {} })
  })

  test('takes an option away that is undefined', () => {
    const more = base.with({ seed: undefined, services: { a: { calls: { b: { retry: undefined } } } } })
    expect(more.seed).toBeUndefined()
    expect(more.services.a.calls).toStrictEqual({ b: { timeoutMs: 100 } })
  })

  test('replaces the options of the mesh', () => {
    const more = base.with({ name: 'more', seed: 'x', hopLimit: 4, undeclaredCalls: 'allow' })
    expect([more.name, more.seed, more.hopLimit, more.undeclaredCalls]).toEqual(['more', 'x', 4, 'allow'])
    expect(more.services).toEqual(base.services)
  })

  test('leaves the base as it is', () => {
    const before = JSON.stringify(base)
    base.with({ name: 'more', services: { a: { calls: { a: {} } }, z: {} } })
    expect(JSON.stringify(base)).toBe(before)
  })

  test('validates the result', () => {
    const wrong = (changes: unknown) => () => base.with(changes as object)
    expect(wrong(7)).toThrow('mesh "base": expected a plain object of changes, got 7 (number)')
    expect(wrong({ c: {} })).toThrow('mesh "base": unknown option `c`')
    expect(wrong({ services: { a: { calls: { bb: {} } } } })).toThrow(
      'services.a.calls: no service "bb" in mesh "base". Did you mean "b"?',
    )
    expect(wrong({ services: { a: { calls: { b: { timeoutMs: -1 } } } } })).toThrow('services.a.calls.b')
    expect(wrong({ services: ['a'] })).toThrow('expected `services` to be a plain object of services by name')
    expect(wrong({ services: { a: 7 } })).toThrow('services: expected `a` to be a plain object, got 7 (number)')
    expect(wrong({ services: { a: undefined } })).toThrow('services: expected `a` to be a plain object, got undefined')
    expect(wrong({ name: undefined })).toThrow('expected `name` to be a string that is not empty')
  })
})
