import { describe, expect, test } from 'vitest'
import { defineMesh } from '../../../src/topology/definition.ts'
import type { EdgeOptions, ServiceOptions } from '../../../src/topology/options.ts'
import { parseTcpAddress } from '../../../src/topology/tcp.ts'

const upstream = 'tcp://127.0.0.1:6379'
const mesh = (redis: object, edge: object = {}) =>
  defineMesh({
    name: 'm',
    services: {
      app: { underTest: true, calls: { redis: edge as EdgeOptions } },
      redis: redis as Omit<ServiceOptions, 'calls'>,
    },
  })

const messageOf = (act: () => unknown): string => {
  try {
    act()
  } catch (error) {
    return (error as Error).message
  }
  throw new Error('nothing was thrown')
}

describe('a service with tcp: true', () => {
  test('is declared with an upstream, and metadata', () => {
    expect(mesh({ tcp: true, upstream, metadata: { team: 'core' } }).services['redis']).toEqual({
      tcp: true,
      upstream,
      metadata: { team: 'core' },
    })
  })

  test('names what is wrong with it', () => {
    expect(messageOf(() => mesh({ tcp: true }))).toMatchInlineSnapshot(`
      "services.redis: a service with tcp: true needs an \`upstream\`
        Name the real one: { tcp: true, upstream: 'tcp://127.0.0.1:6379' }.   [MESH_INVALID_OPTION]"
    `)
    expect(messageOf(() => mesh({ tcp: true, upstream: 'redis://127.0.0.1:6379' }))).toMatchInlineSnapshot(`
      "services.redis: expected \`upstream\` to be an address such as "tcp://127.0.0.1:6379", got "redis://127.0.0.1:6379" (string)
        Write "tcp://127.0.0.1:6379".   [MESH_INVALID_OPTION]"
    `)
    expect(messageOf(() => mesh({ tcp: true, upstream: '127.0.0.1:6379' }))).toMatchInlineSnapshot(`
      "services.redis: expected \`upstream\` to be an address such as "tcp://127.0.0.1:6379", got "127.0.0.1:6379" (string)
        Write "tcp://127.0.0.1:6379".   [MESH_INVALID_OPTION]"
    `)
    expect(messageOf(() => mesh({ tcp: true, upstream: 'tcp://127.0.0.1' }))).toMatchInlineSnapshot(`
      "services.redis: expected \`upstream\` to be an address such as "tcp://127.0.0.1:6379", got "tcp://127.0.0.1" (string)
        The port has to be named.   [MESH_INVALID_OPTION]"
    `)
    expect(messageOf(() => mesh({ tcp: true, upstream: 6379 }))).toMatchInlineSnapshot(
      `"services.redis: expected \`upstream\` to be an address such as "tcp://127.0.0.1:6379", got 6379 (number)   [MESH_INVALID_OPTION]"`,
    )
    expect(messageOf(() => mesh({ upstream }))).toMatchInlineSnapshot(`
      "services.redis: an upstream of "tcp://127.0.0.1:6379" carries bytes, not HTTP
        Write tcp: true beside it.   [MESH_INVALID_OPTION]"
    `)
    expect(messageOf(() => mesh({ tcp: 'yes' }))).toMatchInlineSnapshot(
      `"services.redis: expected \`tcp\` to be true or false, got "yes" (string)   [MESH_INVALID_OPTION]"`,
    )
    expect(messageOf(() => mesh({ tcp: true, upstream, responseTime: 5 }))).toMatchInlineSnapshot(`
      "services.redis: a service with tcp: true takes no \`responseTime\`, because nobody knows where an answer begins; use chaos.latency
        Options beside tcp: metadata, upstream   [MESH_INVALID_OPTION]"
    `)
  })

  const others: ServiceOptions[] = [
    { handlers: [] },
    { url: 'http://redis.test' },
    { calls: {} },
    { underTest: false },
    { sidecar: true },
    { instances: 2 },
  ]
  for (const other of others)
    test(`takes no ${Object.keys(other)[0]}`, () => {
      expect(() => mesh({ tcp: true, upstream, ...other })).toThrow(
        expect.objectContaining({
          code: 'MESH_INVALID_OPTION',
          message: expect.stringContaining(Object.keys(other)[0]!),
        }),
      )
    })
})

describe('an edge to it', () => {
  const policies: EdgeOptions[] = [
    { mode: 'async' },
    { timeoutMs: 100 },
    { retry: { attempts: 1 } },
    { circuitBreaker: { consecutiveFailures: 1, openMs: 1 } },
    { bulkhead: { maxConcurrent: 1 } },
    { fallback: 503 },
  ]
  for (const policy of policies)
    test(`takes no ${Object.keys(policy)[0]}, in a definition or later`, () => {
      const refusal = expect.objectContaining({
        code: 'MESH_INVALID_OPTION',
        message: expect.stringContaining('tcp: true'),
      })
      expect(() => mesh({ tcp: true, upstream }, policy)).toThrow(refusal)
      const { graph } = mesh({ tcp: true, upstream })
      expect(() => graph.withEdge('app', 'redis', policy)).toThrow(refusal)
      expect(() => graph.withService('other', { calls: { redis: policy } })).toThrow(refusal)
    })
})

test('an address is host and port, and nothing more', () => {
  expect(parseTcpAddress('tcp://127.0.0.1:6379')).toEqual({ host: '127.0.0.1', port: 6379 })
  expect(parseTcpAddress('tcp://db.internal:5432/')).toEqual({ host: 'db.internal', port: 5432 })
  expect(parseTcpAddress('tcp://[::1]:80')).toEqual({ host: '::1', port: 80 })
  for (const wrong of [
    'tcp://host',
    'tcp://:80',
    'tcp://a:0',
    'tcp://a:70000',
    'http://a:80',
    'tcp://u@a:1',
    'tcp://a:1/db',
    '',
  ])
    expect(parseTcpAddress(wrong), wrong).toBeUndefined()
})
