import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { defineMesh } from '../../../src/topology/definition.ts'
import { Topology } from '../../../src/topology/graph.ts'
import type { EdgeOptions, ServiceOptions } from '../../../src/topology/options.ts'
import { shop } from './shop.ts'

const { graph } = shop

/** `a->b`, `b->c` ... in the order given; services in the order of `names`. */
function topology(names: readonly string[], pairs: readonly (readonly [string, string, EdgeOptions?])[]): Topology {
  const services: Record<string, ServiceOptions> = {}
  for (const name of names) {
    const calls = pairs.filter(([caller]) => caller === name).map(([, callee, options = {}]) => [callee, options])
    services[name] = { calls: Object.fromEntries(calls) }
  }
  return defineMesh({ name: 'test', services }).graph
}

describe('Topology', () => {
  test('knows services and edges', () => {
    expect(graph.services).toEqual(['storefront', 'orders', 'catalog', 'payments', 'emails'])
    expect(graph.edges.map(({ name }) => name)).toEqual(shop.edges.map(({ name }) => name))
    expect(graph.edge('orders->emails').options).toEqual({ mode: 'async' })
    expect(graph.service('payments').instances).toBe(3)
    expect([graph.hasService('orders'), graph.hasService('toString')]).toEqual([true, false])
    expect([graph.hasEdge('orders->emails'), graph.hasEdge('emails->orders')]).toEqual([true, false])
  })

  test('refuses unknown names with what there is', () => {
    const wrong = 'paymnts' as 'payments'
    for (const act of [
      () => graph.dependencies(wrong),
      () => graph.dependents(wrong),
      () => graph.blastRadius(wrong),
      () => graph.paths('orders', wrong),
      () => graph.service(wrong),
      () => graph.withoutService(wrong),
      () => graph.withEdge('orders', wrong),
      () => graph.toSvg({ services: { [wrong]: 'failed' } }),
    ])
      expect(act).toThrow('No service "paymnts" in mesh "shop". Did you mean "payments"?')
    const edge = 'orders->paymnts' as 'orders->payments'
    for (const act of [
      () => graph.edge(edge),
      () => graph.withoutEdge(edge),
      () => graph.shields(edge),
      () => graph.toDot({ edges: { [edge]: 'open' } }),
    ])
      expect(act).toThrow('No edge "orders->paymnts" in mesh "shop". Did you mean "orders->payments"?')
  })
})

describe('order', () => {
  test('gives dependencies first', () => {
    expect(graph.order()).toEqual(['catalog', 'payments', 'emails', 'orders', 'storefront'])
  })

  test('keeps the members of a cycle together, as declared', () => {
    const ring = topology(
      ['a', 'b', 'c', 'd', 'e'],
      [
        ['a', 'd'],
        ['d', 'b'],
        ['b', 'd'],
        ['b', 'e'],
        ['c', 'a'],
      ],
    )
    expect(ring.order()).toEqual(['e', 'b', 'd', 'a', 'c'])
  })

  test('does not exhaust the stack on a chain of a thousand services', () => {
    const names = Array.from({ length: 1_000 }, (_, index) => `s${index}`)
    const services = Object.fromEntries(
      names.map((name, index) => [name, index + 1 < names.length ? { calls: { [`s${index + 1}`]: {} } } : {}]),
    )
    const chain = new Topology('chain', services)
    expect(chain.order()).toEqual([...names].reverse())
    expect(chain.dependencies('s0')).toHaveLength(999)
    expect(chain.blastRadius('s999').affected).toHaveLength(999)
  })
})

describe('cycles', () => {
  test('begin with their first-declared member', () => {
    const ring = topology(
      ['a', 'b', 'c'],
      [
        ['c', 'a'],
        ['a', 'b'],
        ['b', 'c'],
        ['c', 'b'],
        ['b', 'b'],
      ],
    )
    expect(ring.cycles()).toEqual([['a', 'b', 'c'], ['b'], ['b', 'c']])
    expect(graph.cycles()).toEqual([])
  })

  test('are bounded by a limit, which is named', () => {
    const names = Array.from({ length: 9 }, (_, index) => `s${index}`)
    const all = topology(
      names,
      names.flatMap((a) => names.map((b) => [a, b] as const)),
    )
    expect(() => all.cycles()).toThrow('Mesh "test" has more than 1000 cycles, the `limit` of cycles().')
    expect(() => all.paths('s0', 's8', { limit: 5 })).toThrow('more than 5 paths, the `limit` of paths().')
    expect(all.withoutService('s8').withoutService('s7').withoutService('s6').cycles()).toHaveLength(415)
  })
})

describe('paths', () => {
  test('are all ways without a service twice', () => {
    const net = topology(
      ['a', 'b', 'c', 'd'],
      [
        ['a', 'b'],
        ['a', 'c'],
        ['b', 'c'],
        ['c', 'b'],
        ['b', 'd'],
        ['c', 'd'],
      ],
    )
    expect(net.paths('a', 'd')).toEqual([
      ['a', 'b', 'c', 'd'],
      ['a', 'b', 'd'],
      ['a', 'c', 'b', 'd'],
      ['a', 'c', 'd'],
    ])
    expect(net.paths('d', 'a')).toEqual([])
    expect(net.paths('b', 'b')).toEqual([['b']])
  })

  test('come quickly where most ways lead nowhere', () => {
    // Twenty layers of two services, completely connected, and only one of the first leads to the end.
    const names = ['start', 'end', ...Array.from({ length: 40 }, (_, index) => `s${index}`)]
    const pairs: [string, string][] = [
      ['start', 'end'],
      ['start', 's0'],
      ['start', 's1'],
    ]
    for (let layer = 0; layer < 19; layer++)
      for (const a of [0, 1]) for (const b of [0, 1]) pairs.push([`s${layer * 2 + a}`, `s${layer * 2 + 2 + b}`])
    expect(topology(names, pairs).paths('start', 'end')).toEqual([['start', 'end']])
  })
})

describe('dependencies and dependents', () => {
  test('are transitive and without the service itself', () => {
    expect(graph.dependencies('storefront')).toEqual(['orders', 'catalog', 'payments', 'emails'])
    expect(graph.dependencies('emails')).toEqual([])
    expect(graph.dependents('payments')).toEqual(['storefront', 'orders'])
    const ring = topology(
      ['a', 'b'],
      [
        ['a', 'b'],
        ['b', 'a'],
      ],
    )
    expect(ring.dependencies('a')).toEqual(['b'])
    expect(ring.dependents('a')).toEqual(['b'])
  })
})

describe('blastRadius', () => {
  test('passes through synchronous edges without a fallback', () => {
    expect(graph.blastRadius('catalog')).toEqual({ affected: ['storefront', 'orders'], shielded: [] })
  })

  test('ends at a fallback', () => {
    expect(graph.blastRadius('payments')).toEqual({ affected: [], shielded: ['orders'] })
  })

  test('ends at an asynchronous edge', () => {
    expect(graph.blastRadius('emails')).toEqual({ affected: [], shielded: ['orders'] })
  })

  test('counts a service as affected that is reached both ways', () => {
    const net = topology(
      ['a', 'b', 'c'],
      [
        ['a', 'c', { fallback: 200 }],
        ['a', 'b'],
        ['b', 'c'],
      ],
    )
    expect(net.blastRadius('c')).toEqual({ affected: ['a', 'b'], shielded: [] })
  })

  test('does not contain the service itself', () => {
    const ring = topology(
      ['a', 'b'],
      [
        ['a', 'b', { fallback: 200 }],
        ['b', 'a'],
        ['b', 'b', { mode: 'async' }],
      ],
    )
    expect(ring.blastRadius('b')).toEqual({ affected: [], shielded: ['a'] })
    expect(ring.blastRadius('a')).toEqual({ affected: ['b'], shielded: [] })
  })

  test('takes no fallback into account that is not in force, because its caller is under test', () => {
    const calls = { api: { fallback: 200 } }
    const services = {
      app: { underTest: true, calls },
      withSidecar: { underTest: true, sidecar: true, calls },
      api: {},
    }
    expect(defineMesh({ name: 'x', services }).graph.blastRadius('api')).toEqual({
      affected: ['app'],
      shielded: ['withSidecar'],
    })
  })
})

describe('changed copies', () => {
  test('leave the original as it is', () => {
    const added = graph.withService('sms', { calls: { catalog: {} } }).withEdge('emails', 'sms', { timeoutMs: 5 })
    expect(added.services).toContain('sms')
    expect(added.edge('emails->sms').options).toEqual({ timeoutMs: 5 })
    expect(added.paths('emails', 'catalog')).toEqual([['emails', 'sms', 'catalog']])
    expect(graph.hasService('sms')).toBe(false)
    expect(graph.hasEdge('emails->sms')).toBe(false)
  })

  test('replace a service or an edge that is there', () => {
    expect(graph.withService('orders').dependencies('storefront')).toEqual(['orders'])
    expect(graph.withEdge('orders', 'emails').edge('orders->emails').options).toEqual({})
  })

  test('are without a service and its edges', () => {
    const less = graph.withoutService('orders')
    expect(less.services).toEqual(['storefront', 'catalog', 'payments', 'emails'])
    expect(less.edges).toEqual([])
    expect(graph.withoutService('emails').edges.map(({ name }) => name)).not.toContain('orders->emails')
  })

  test('are without an edge', () => {
    expect(graph.withoutEdge('orders->payments').dependencies('orders')).toEqual(['catalog', 'emails'])
  })

  test('are validated', () => {
    expect(() => graph.withService('a b')).toThrow('MESH_INVALID_DEFINITION')
    expect(() => graph.withService('sms', { calls: { nope: {} } })).toThrow('service "sms".calls: no service "nope"')
    expect(() => graph.withService('sms', { url: 'http://emails' })).toThrow('MESH_DUPLICATE_URL')
    expect(() => graph.withEdge('emails', 'catalog', { timeoutMs: 0 })).toThrow(
      'emails->catalog: expected `timeoutMs` to be a number > 0, got 0 (number)',
    )
  })

  test('are frozen and do not share their input', () => {
    const options = { timeoutMs: 5 }
    const changed = graph.withEdge('emails', 'catalog', options)
    options.timeoutMs = 6
    expect(changed.edge('emails->catalog').options).toEqual({ timeoutMs: 5 })
    expect(Object.isFrozen(changed.service('emails').calls)).toBe(true)
  })
})

describe('on any small graph', () => {
  const size = 5
  const names = ['a', 'b', 'c', 'd', 'e']
  const anyPairs = fc
    .array(fc.boolean(), { minLength: size * size, maxLength: size * size })
    .map((bits) =>
      bits.flatMap((bit, index) => (bit ? [[names[Math.floor(index / size)]!, names[index % size]!] as const] : [])),
    )

  /** All sequences of different names that follow edges, by trying each. */
  function sequences(pairs: readonly (readonly [string, string])[]): string[][] {
    const has = (a: string, b: string) => pairs.some(([caller, callee]) => caller === a && callee === b)
    const found: string[][] = names.map((name) => [name])
    for (const sequence of found)
      for (const next of names)
        if (!sequence.includes(next) && has(sequence.at(-1)!, next)) found.push([...sequence, next])
    return found
  }
  const sorted = (lists: readonly (readonly string[])[]) => lists.map((list) => list.join(' ')).sort()

  test('paths are those found by trying all sequences', () => {
    fc.assert(
      fc.property(anyPairs, fc.constantFrom(...names), fc.constantFrom(...names), (pairs, from, to) => {
        const expected = sequences(pairs).filter((sequence) => sequence[0] === from && sequence.at(-1) === to)
        expect(sorted(topology(names, pairs).paths(from, to))).toEqual(sorted(expected))
      }),
      { numRuns: 200 },
    )
  })

  test('cycles are those found by trying all sequences', () => {
    fc.assert(
      fc.property(anyPairs, (pairs) => {
        const closes = (sequence: string[]) => pairs.some(([a, b]) => a === sequence.at(-1) && b === sequence[0])
        const isFirst = (sequence: string[]) => [...sequence].sort()[0] === sequence[0]
        const expected = sequences(pairs).filter((sequence) => closes(sequence) && isFirst(sequence))
        expect(sorted(topology(names, pairs).cycles())).toEqual(sorted(expected))
      }),
      { numRuns: 200 },
    )
  })

  test('order has each callee before its caller, unless they are in a cycle together', () => {
    fc.assert(
      fc.property(anyPairs, fc.shuffledSubarray(names, { minLength: size }), (pairs, declared) => {
        const any = topology(declared, pairs)
        const order = any.order()
        expect([...order].sort()).toEqual(names)
        for (const [caller, callee] of pairs) {
          const inCycle = caller === callee || any.dependencies(callee).includes(caller)
          if (!inCycle) expect(order.indexOf(callee)).toBeLessThan(order.indexOf(caller))
        }
        // Who depends on each other stands side by side.
        for (const name of names) {
          const mates = order.filter(
            (other) =>
              other === name || (any.dependencies(name).includes(other) && any.dependencies(other).includes(name)),
          )
          const first = order.indexOf(mates[0]!)
          expect(order.slice(first, first + mates.length)).toEqual(mates)
          expect(mates).toEqual(declared.filter((other) => mates.includes(other)))
        }
      }),
      { numRuns: 200 },
    )
  })

  test('dependents mirror dependencies', () => {
    fc.assert(
      fc.property(anyPairs, (pairs) => {
        const any = topology(names, pairs)
        for (const a of names)
          for (const b of names) expect(any.dependencies(a).includes(b)).toBe(any.dependents(b).includes(a))
      }),
      { numRuns: 50 },
    )
  })

  test('affected and shielded services are dependents, and no service is both', () => {
    fc.assert(
      fc.property(
        anyPairs,
        fc.array(fc.constantFrom<EdgeOptions>({}, { mode: 'async' }, { fallback: 200 })),
        (pairs, kinds) => {
          const any = topology(
            names,
            pairs.map(([a, b], index) => [a, b, kinds[index] ?? {}] as const),
          )
          for (const name of names) {
            const { affected, shielded } = any.blastRadius(name)
            const dependents = any.dependents(name)
            expect(new Set([...affected, ...shielded]).size).toBe(affected.length + shielded.length)
            for (const other of [...affected, ...shielded]) expect(dependents).toContain(other)
          }
        },
      ),
      { numRuns: 100 },
    )
  })
})
