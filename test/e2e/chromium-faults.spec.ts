import type { Page } from '@playwright/test'
import { http, HttpResponse, ws } from 'meshwright'
import { expect, test } from 'meshwright/playwright'
import { chromiumShapes } from '../support/chromium-shapes.ts'
import type { ChromiumShape } from '../support/chromium-shapes.ts'
import { apiUrl, events, site, siteUrl } from './site.mesh.ts'

const calls = { www: {}, api: {}, plain: {} }
const plainUrl = 'http://plain.shop.test'
const long = http.get('/long', () => HttpResponse.text('x'.repeat(1_000)))

const desk = site.with({
  services: {
    browser: { calls },
    plain: {
      url: plainUrl,
      handlers: [http.get('/', () => HttpResponse.html('<!doctype html><link rel="icon" href="data:,">'))],
    },
  },
})

test.use(desk)
test.use({ meshOptions: { transport: 'proxy' } })

type Inject = ChromiumShape['inject']
type Chaos = Parameters<Inject>[0]

/** Fetches the long text; a failure is told as the failed request does, and what the page itself gave up by its own name. */
async function fetched(page: Page, url: string, limitMs: number): Promise<string> {
  const failures: string[] = []
  page.on('requestfailed', (request) => failures.push(request.failure()!.errorText))
  const [status, outcome] = await page.evaluate(
    async ([url, limitMs]) => {
      let status = 0
      try {
        const response = await fetch(url, { signal: AbortSignal.timeout(limitMs) })
        status = response.status
        return [status, (await response.text()).length] as const
      } catch (error) {
        return [status, `${(error as Error).name}: ${(error as Error).message}`] as const
      }
    },
    [url, limitMs] as const,
  )
  if (typeof outcome === 'number') return status === 200 ? `ok ${outcome}` : String(status)
  const isLimit = outcome.startsWith('TimeoutError')
  if (!isLimit) expect(outcome).toMatch(/^TypeError: (Failed to fetch|network error)$/)
  await expect.poll(() => failures.length).toBe(1)
  if (isLimit) expect(failures).toEqual(['net::ERR_ABORTED'])
  return `${status ? `${status}, then ` : ''}${isLimit ? 'TimeoutError' : failures[0]}`
}

for (const [fault, { inject, ...shapes }] of Object.entries(chromiumShapes)) {
  for (const scheme of ['http', 'https'] as const)
    test(`fetch over ${scheme}: ${fault} is ${shapes[scheme]}, and nothing afterwards`, async ({
      page,
      mesh,
      chaos,
    }) => {
      const [service, url, from] =
        scheme === 'http' ? (['plain', plainUrl, plainUrl] as const) : (['api', apiUrl, siteUrl] as const)
      mesh.service(service).use(long)
      await page.goto(from)
      inject(chaos as unknown as Chaos, service)
      const limitMs = shapes[scheme].includes('TimeoutError') ? 1_000 : 20_000
      expect(await fetched(page, `${url}/long`, limitMs)).toBe(shapes[scheme])
      chaos.heal()
      const text = await page.evaluate(async (url) => (await fetch(url)).text(), `${url}/long`)
      expect(text).toHaveLength(1_000)
    })

  test(`WebSocket: ${fault}: ${shapes.webSocket}`, async ({ page, mesh, chaos }) => {
    mesh.service('api').use(
      ws.link('wss://api.shop.test/socket').addEventListener('connection', ({ client }) => {
        client.addEventListener('message', ({ data }) => client.send(`heard ${String(data)}`))
      }),
    )
    await page.goto(siteUrl)
    const said: string[] = []
    page.on('console', (message) => said.push(message.text()))
    inject(chaos as unknown as Chaos, 'api')
    const opened = page.evaluate(
      ([url, isSilent]) =>
        new Promise<string>((resolve) => {
          const socket = new WebSocket(url)
          socket.onclose = ({ code }) => resolve(`closed ${code}`)
          socket.onopen = () => socket.send('hello')
          socket.onmessage = ({ data }) => resolve(data as string)
          if (isSilent) setTimeout(() => resolve(`readyState ${socket.readyState}`), 1_000)
        }),
      ['wss://api.shop.test/socket', shapes.webSocket === 'stays CONNECTING'] as const,
    )
    if (shapes.webSocket === 'stays CONNECTING') return expect(await opened).toBe('readyState 0')
    if (shapes.webSocket === 'opens') return expect(await opened).toBe('heard hello')
    expect(await opened).toBe('closed 1006')
    await expect.poll(() => said.join('\n')).toContain(shapes.webSocket)
  })
}

test('after a GOAWAY the browser sends the request again by itself; the journal has both', async ({
  page,
  mesh,
  chaos,
}) => {
  mesh.service('api').use(long)
  await page.goto(siteUrl)
  chaos.goAway('api', { times: 1 })
  expect(await fetched(page, `${apiUrl}/long`, 20_000)).toBe('ok 1000')
  expect(mesh.edge('browser->api').calls.map(({ outcome }) => outcome)).toEqual(['going-away', 'answered'])
})

for (const [fault, inject] of [
  ['reset', (chaos: Chaos) => chaos.reset('api', { at: 'mid-body', times: 1 })],
  ['truncate', (chaos: Chaos) => chaos.truncate('api', { times: 1 })],
] as const)
  test(`an EventSource whose stream breaks (${fault}) comes again, and says where it was`, async ({
    page,
    mesh,
    chaos,
  }) => {
    let asked = 0
    const seen: (string | null)[] = []
    mesh.service('api').use(
      http.get('/live', ({ request }) => {
        seen.push(request.headers.get('last-event-id'))
        const first = ++asked
        const body = new ReadableStream<Uint8Array>({
          start: (stream) =>
            stream.enqueue(Buffer.concat([Buffer.from(`retry: 1\nid: e${first}\n`), events(`${first}`)])),
        })
        return new HttpResponse(body, { headers: { 'content-type': 'text/event-stream' } })
      }),
    )
    await page.goto(siteUrl)
    inject(chaos as unknown as Chaos)
    const heard = await page.evaluate(
      (url) =>
        new Promise<string[]>((resolve) => {
          const all: string[] = []
          const source = new EventSource(url)
          source.onerror = () => all.push(`error ${source.readyState}`)
          source.onmessage = ({ data }) => {
            all.push(data as string)
            if (data === '2') resolve(all)
          }
        }),
      `${apiUrl}/live`,
    )
    expect(heard).toEqual(['1', 'error 0', '2'])
    expect(seen).toEqual([null, 'e1'])
    expect(mesh.edge('browser->api')).toHaveCallCount(2)
  })

test('an EventSource that is answered with 503 gives up', async ({ page, mesh, chaos }) => {
  await page.goto(siteUrl)
  chaos.abort('api', { status: 503 })
  const state = await page.evaluate(
    (url) =>
      new Promise<number>((resolve) => {
        const source = new EventSource(url)
        source.onerror = () => resolve(source.readyState)
      }),
    `${apiUrl}/events`,
  )
  expect(state).toBe(2)
  expect(mesh.edge('browser->api')).toHaveCallCount(1)
})
