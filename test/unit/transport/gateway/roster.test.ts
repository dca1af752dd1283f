import { describe, expect, test } from 'vitest'
import { Roster } from '../../../../src/transport/gateway/roster.ts'

const edge = 'orders->payments'
const enrol = (roster: Roster, port: number) => roster.enrol('shop', new Map([[edge, port]]))
const portOf = (roster: Roster, mark: { named?: string; traced?: string }) => {
  const route = roster.route(edge, mark)
  return route.state === 'found' ? route.port : route.why
}

describe('Roster', () => {
  test('sends a request without a mark to the only mesh', () => {
    const roster = new Roster()
    expect(portOf(roster, {})).toBe('no mesh is running')
    enrol(roster, 1)
    expect(portOf(roster, {})).toBe(1)
    // The service's own trace, which names no mesh.
    expect(portOf(roster, { traced: 'ffffffff' })).toBe(1)
    enrol(roster, 2)
    expect(portOf(roster, {})).toMatch(/^it names none of the 2 meshes/)
  })

  test('goes by the baggage before the trace', () => {
    const roster = new Roster()
    const [a, b] = [enrol(roster, 1), enrol(roster, 2)]
    expect(portOf(roster, { named: a.key, traced: b.key })).toBe(1)
    expect(portOf(roster, { traced: b.key })).toBe(2)
  })

  test('sends what names a mesh that has left to nobody, also when one is left', () => {
    const roster = new Roster()
    const [a] = [enrol(roster, 1), enrol(roster, 2)]
    roster.remove(a.key)
    roster.remove(a.key)
    expect(portOf(roster, { named: a.key })).toBe(`the mesh "${a.key}" that it names is not running (any more)`)
    expect(portOf(roster, { traced: a.key })).toMatch('not running')
    expect([portOf(roster, {}), roster.size]).toEqual([2, 1])
  })

  test('says when the mesh has no such edge', () => {
    const roster = new Roster()
    const { key } = roster.enrol('shop', new Map())
    expect(portOf(roster, { named: key })).toBe('the mesh "shop" has no such edge')
  })
})
