import { describe, expect, test } from 'vitest'
import { defineMesh } from '../../../src/topology/definition.ts'
import { policyLabels } from '../../../src/topology/drawing.ts'
import { shop } from './shop.ts'

const status = { services: { payments: 'failed' }, edges: { 'orders->payments': 'open' } } as const

const odd = defineMesh({
  name: 'a "b" <c> & \\d\u0000',
  services: {
    end: { calls: { end: { retry: { attempts: 1 } }, 'x.y_z-1': {} } },
    'x.y_z-1': { calls: { end: {} }, upstream: 'http://127.0.0.1:3000' },
  },
})

describe('policyLabels', () => {
  test.each([
    [{}, []],
    [{ timeoutMs: 500 }, ['timeout 500 ms']],
    [{ timeoutMs: 1_500 }, ['timeout 1.5 s']],
    [{ timeoutMs: 1_234 }, ['timeout 1234 ms']],
    [{ timeoutMs: 120_000 }, ['timeout 2 min']],
    [{ circuitBreaker: { consecutiveFailures: 5, openMs: 1 }, retry: { attempts: 2 } }, ['breaker 5', 'retry 2']],
    [{ circuitBreaker: { failureRatio: 0.55, overCalls: 20, openMs: 1 } }, ['breaker 55 % of 20']],
    [{ circuitBreaker: { failureRatio: 0.07, overMs: 10_000, openMs: 1 } }, ['breaker 7 % in 10 s']],
    [{ bulkhead: { maxConcurrent: 3, maxQueued: 2 } }, ['bulkhead 3+2']],
    [{ bulkhead: { maxConcurrent: 3 }, fallback: 204 }, ['bulkhead 3', 'fallback 204']],
    [{ fallback: { json: {} } }, ['fallback 200']],
  ])('%j', (options, labels) => {
    expect(policyLabels(options)).toEqual(labels)
  })
})

describe('toMermaid', () => {
  test('draws the shop', () => {
    expect(shop.graph.toMermaid()).toMatchInlineSnapshot(`
      "---
      title: "shop"
      ---
      flowchart LR
        s0[["storefront<br/>under test"]]:::underTest
        s1("orders")
        s2("catalog")
        s3("payments<br/>3 instances")
        s4("emails")
        s0 --> s1
        s1 -->|"timeout 500 ms<br/>retry 2"| s2
        s1 -->|"timeout 2 s<br/>breaker 5<br/>retry 1<br/>fallback 202"| s3
        s1 -.->|"async"| s4
        classDef underTest fill:#eff6ff,stroke:#1d4ed8,stroke-width:2px
      "
    `)
  })

  test('colours what has a status', () => {
    expect(shop.graph.toMermaid(status)).toMatchInlineSnapshot(`
      "---
      title: "shop"
      ---
      flowchart LR
        s0[["storefront<br/>under test"]]:::underTest
        s1("orders")
        s2("catalog")
        s3("payments<br/>3 instances<br/>failed"):::failed
        s4("emails")
        s0 --> s1
        s1 -->|"timeout 500 ms<br/>retry 2"| s2
        s1 -->|"timeout 2 s<br/>breaker 5<br/>retry 1<br/>fallback 202<br/>open"| s3
        s1 -.->|"async"| s4
        classDef underTest fill:#eff6ff,stroke:#1d4ed8,stroke-width:2px
        classDef failed fill:#fef2f2,stroke:#b91c1c,stroke-width:2px
        linkStyle 2 stroke:#b91c1c,stroke-width:2px
      "
    `)
  })

  test('keeps keywords and markup out of its syntax', () => {
    expect(odd.graph.toMermaid({ direction: 'TB' })).toMatchInlineSnapshot(`
      "---
      title: "a \\"b\\" <c> & \\\\d\\u0000"
      ---
      flowchart TB
        s0("end")
        s1("x.y_z-1<br/>upstream 127.0.0.1#58;3000")
        s0 -->|"retry 1"| s0
        s0 --> s1
        s1 --> s0
      "
    `)
  })
})

describe('toDot', () => {
  test('draws the shop', () => {
    expect(shop.graph.toDot()).toMatchInlineSnapshot(`
      "digraph "shop" {
        rankdir=LR
        node [shape=box, style="rounded,filled", fontname="Helvetica", color="#94a3b8", fillcolor="#f8fafc"]
        edge [fontname="Helvetica", fontsize=10, color="#64748b", fontcolor="#475569"]
        "storefront" [label="storefront\\nunder test", color="#1d4ed8", fillcolor="#eff6ff", peripheries=2]
        "orders"
        "catalog"
        "payments" [label="payments\\n3 instances"]
        "emails"
        "storefront" -> "orders"
        "orders" -> "catalog" [label="timeout 500 ms\\nretry 2"]
        "orders" -> "payments" [label="timeout 2 s\\nbreaker 5\\nretry 1\\nfallback 202"]
        "orders" -> "emails" [label="async", style=dashed]
      }
      "
    `)
  })

  test('colours what has a status, and escapes', () => {
    expect(odd.graph.toDot({ services: { end: 'degraded' }, edges: { 'end->end': 'half-open' } }))
      .toMatchInlineSnapshot(`
        "digraph "a \\"b\\" <c> & \\\\d " {
          rankdir=LR
          node [shape=box, style="rounded,filled", fontname="Helvetica", color="#94a3b8", fillcolor="#f8fafc"]
          edge [fontname="Helvetica", fontsize=10, color="#64748b", fontcolor="#475569"]
          "end" [label="end\\ndegraded", color="#b45309", fillcolor="#fffbeb"]
          "x.y_z-1" [label="x.y_z-1\\nupstream 127.0.0.1:3000"]
          "end" -> "end" [label="retry 1\\nhalf-open", color="#b45309", fontcolor="#b45309"]
          "end" -> "x.y_z-1"
          "x.y_z-1" -> "end"
        }
        "
      `)
  })
})

describe('toSvg', () => {
  const count = (text: string, part: string) => text.split(part).length - 1

  test('shows each service, each policy and the status in words', () => {
    const svg = shop.graph.toSvg(status)
    for (const word of [
      'storefront',
      'under test',
      'payments',
      '3 instances',
      'failed',
      'open',
      'timeout 500 ms',
      'retry 2',
      'breaker 5',
      'fallback 202',
    ])
      expect(svg).toContain(`>${word}</text>`)
    expect(svg).toContain('<title>Service graph of shop</title>')
  })

  test('dashes asynchronous edges and only those', () => {
    expect(count(shop.graph.toSvg(), 'stroke-dasharray')).toBe(1)
    expect(count(shop.graph.withoutEdge('orders->emails').toSvg(), 'stroke-dasharray')).toBe(0)
  })

  test('colours what has a status', () => {
    expect(shop.graph.toSvg()).not.toContain('#b91c1c')
    expect(shop.graph.toSvg(status)).toContain('stroke="#b91c1c"')
  })

  test('frames the service under test twice', () => {
    const plain = defineMesh({ name: 'x', services: { a: {} } }).graph.toSvg()
    const underTest = defineMesh({ name: 'x', services: { a: { underTest: true } } }).graph.toSvg()
    expect(count(underTest, '<rect')).toBe(count(plain, '<rect') + 1)
  })

  test('is well-formed, without script, style and ids', () => {
    for (const svg of [
      shop.graph.toSvg(status),
      odd.graph.toSvg(),
      defineMesh({ name: 'none', services: { last: {} } })
        .graph.withoutService('last')
        .toSvg(),
    ]) {
      expect(svg).toMatch(/^<svg [^>]*viewBox="0 0 \d+ \d+"/)
      expect(svg).not.toMatch(/<script|<style| id=|NaN|Infinity|undefined/)
      const open: string[] = []
      for (const [, closing, tag, selfClosing] of svg.matchAll(/<(\/?)(\w+)[^>]*?(\/?)>/g)) {
        if (closing) expect(open.pop()).toBe(tag)
        else if (!selfClosing) open.push(tag!)
      }
      expect(open).toEqual([])
    }
    expect(odd.graph.toSvg()).toContain('<title>Service graph of a &#34;b&#34; &#60;c&#62; &#38; \\d\ufffd</title>')
  })

  test('loops back to the service that calls itself, in both directions, with a label or without', () => {
    for (const calls of [{ a: {} }, { a: { retry: { attempts: 1 } } }])
      for (const direction of ['LR', 'TB'] as const) {
        const svg = defineMesh({ name: 'x', services: { a: { calls } } }).graph.toSvg({ direction })
        const [, width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(svg)!.map(Number)
        const points = [...svg.matchAll(/<path d="([^"]+)"/g)].flatMap(([, path]) =>
          [...path!.matchAll(/(-?[\d.]+)[ ,](-?[\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)]),
        )
        expect(points.length).toBeGreaterThan(0)
        for (const [x, y] of points) {
          expect(x).toBeGreaterThanOrEqual(0)
          expect(x).toBeLessThanOrEqual(width!)
          expect(y).toBeGreaterThanOrEqual(0)
          expect(y).toBeLessThanOrEqual(height!)
        }
      }
  })

  test('gives names in wide letters the room that they take', () => {
    const width = (name: string) =>
      Number(/<rect[^>]* width="([\d.]+)"/.exec(defineMesh({ name: 'x', services: { [name]: {} } }).graph.toSvg())![1])
    expect(width('mmmmmmmmmmmmmm')).toBeGreaterThan(width('iiiiiiiiiiiiii'))
  })

  test('is the same each time', () => {
    expect(shop.graph.toSvg()).toBe(shop.graph.toSvg())
  })

  test('is wider than high from left to right, and higher than wide from top to bottom', () => {
    const chain = defineMesh({
      name: 'chain',
      services: { a: { calls: { b: {} } }, b: { calls: { c: {} } }, c: { calls: { d: {} } }, d: {} },
    }).graph
    const sides = (svg: string) => /viewBox="0 0 (\d+) (\d+)"/.exec(svg)!.slice(1).map(Number)
    const [width, height] = sides(chain.toSvg())
    expect(width).toBeGreaterThan(height!)
    const [turnedWidth, turnedHeight] = sides(chain.toSvg({ direction: 'TB' }))
    expect(turnedHeight).toBeGreaterThan(turnedWidth!)
  })

  test('refuses a status that does not exist', () => {
    const red = 'red' as 'failed'
    expect(() => shop.graph.toSvg({ services: { payments: red } })).toThrow(
      'status: expected `payments` to be one of "ok", "closed", "degraded", "half-open", "shielded", "failed", "open", got "red" (string)',
    )
  })
})
