import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Page } from '@playwright/test'
import { http, HttpResponse, ws } from 'meshwright'
import { expect, test } from 'meshwright/playwright'
import { apiUrl, events, site, siteUrl } from './site.mesh.ts'

const calls = { www: {}, api: {}, plain: {} }
const live = ws.link('wss://api.shop.test/socket')

const desk = site.with({
  services: {
    browser: { calls },
    admin: { underTest: true, calls },
    plain: {
      url: 'http://plain.shop.test',
      // Without an icon, so that the browser asks for one.
      handlers: [http.get('/', () => HttpResponse.html('<!doctype html>'))],
    },
  },
})

test.use(desk)
test.use({ meshOptions: { transport: 'proxy' } })

/** Fetches in the page; a failure by its name. */
const fetched = (page: Page, url: string, init: Record<string, unknown> = {}) =>
  page.evaluate(
    async ([url, init]) => {
      try {
        const response = await fetch(url, init)
        return { status: response.status, url: response.url, text: await response.text() }
      } catch (error) {
        return { error: (error as Error).message }
      }
    },
    [url, init] as const,
  )

test('a page, its script and its calls travel through the proxy of the service under test', async ({ page, mesh }) => {
  await page.goto(siteUrl)
  await expect(page.locator('body')).toHaveAttribute('data-script', 'ran')
  expect(await fetched(page, `${apiUrl}/json`)).toEqual({ status: 200, url: `${apiUrl}/json`, text: '{"ok":true}' })
  const origins = new Set(mesh.journal.where({ type: 'call.started' }).map(({ origin }) => origin))
  expect([...origins]).toEqual(['proxy'])
  expect(mesh.edge('browser->api')).toHaveCallCount(1)
})

test('redirects and cookies are the business of the browser', async ({ page, context }) => {
  await page.goto(siteUrl)
  const { url, text } = await fetched(page, `${apiUrl}/sign-in`, { credentials: 'include' })
  expect(url).toBe(`${apiUrl}/echo`)
  expect(JSON.parse(text!).headers.cookie).toBe('token=t1')
  expect(await context.cookies(apiUrl)).toMatchObject([{ name: 'token', value: 't1' }])
  await page.goto(`${siteUrl}/form`)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByRole('heading')).toHaveText('Hello Ada')
})

test('a request that needs a preflight is one call', async ({ page, mesh }) => {
  await page.goto(siteUrl)
  const { text } = await fetched(page, `${apiUrl}/echo`, { method: 'PUT', headers: { 'x-custom': 'yes' }, body: 'a' })
  expect(JSON.parse(text!)).toMatchObject({ method: 'PUT', headers: { 'x-custom': 'yes' }, body: 'a' })
  expect(mesh.edge('browser->api')).toHaveCallCount(1)
  expect(await fetched(page, `${apiUrl}/strict`)).toEqual({ error: 'Failed to fetch' })
})

test('an event stream is read as it comes', async ({ page, mesh }) => {
  let send!: (line: string) => void
  mesh.service('api').use(
    http.get('/live', () => {
      const body = new ReadableStream({
        start(controller) {
          send = (line) => controller.enqueue(events(line))
          send('one')
        },
      })
      return new HttpResponse(body, { headers: { 'content-type': 'text/event-stream' } })
    }),
  )
  await page.goto(siteUrl)
  await page.evaluate((url) => {
    const heard: string[] = []
    Object.assign(window, { heard, source: new EventSource(url) })
    const { source } = window as unknown as { source: EventSource }
    source.onmessage = ({ data }) => heard.push(data)
  }, `${apiUrl}/live`)
  const heard = () => page.evaluate(() => (window as unknown as { heard: string[] }).heard)
  await expect.poll(heard).toEqual(['one'])
  send('two')
  await expect.poll(heard).toEqual(['one', 'two'])
  // One connection all the while: a stream that ended would have been asked for again.
  expect(mesh.edge('browser->api')).toHaveCallCount(1)
})

// Over TLS the browser speaks HTTP/2, where a fault of one request ends its stream and not the connection.
for (const [service, url, errorText] of [
  ['plain', 'http://plain.shop.test', 'net::ERR_CONNECTION_RESET'],
  ['api', apiUrl, 'net::ERR_HTTP2_PROTOCOL_ERROR'],
] as const)
  test(`a reset in the middle of a body is a body that breaks: ${errorText}`, async ({ page, mesh, chaos }) => {
    mesh.service(service).use(http.get('/long', () => HttpResponse.text('x'.repeat(1_000))))
    await page.goto(service === 'api' ? siteUrl : url)
    chaos.reset(service, { at: 'mid-body' })
    const failed = page.waitForEvent('requestfailed')
    const seen = await page.evaluate(async (url) => {
      const response = await fetch(url)
      return { status: response.status, body: await response.text().catch((error: Error) => error.message) }
    }, `${url}/long`)
    expect(seen).toEqual({ status: 200, body: expect.stringMatching(/network error|Failed to fetch/) })
    expect((await failed).failure()?.errorText).toBe(errorText)
  })

test('an outage in the middle of a stream breaks it where it is', async ({ page, mesh, chaos }) => {
  mesh
    .service('api')
    .use(
      http.get(
        '/live',
        () => new HttpResponse(new ReadableStream({ start: (stream) => stream.enqueue(events('one')) })),
      ),
    )
  await page.goto(siteUrl)
  const first = await page.evaluate(async (url) => {
    const reader = (await fetch(url)).body!.getReader()
    const { value } = await reader.read()
    Object.assign(window, { rest: reader.read().catch((error: Error) => error.message) })
    return new TextDecoder().decode(value)
  }, `${apiUrl}/live`)
  expect(first).toBe('data: one\n\n')
  const failed = page.waitForEvent('requestfailed')
  chaos.outage('api')
  expect(await page.evaluate(() => (window as unknown as { rest: Promise<string> }).rest)).toBe('network error')
  expect((await failed).failure()?.errorText).toBe('net::ERR_CONNECTION_RESET')
})

for (const scheme of ['wss', 'ws'] as const)
  test(`a WebSocket is open both ways (${scheme})`, async ({ page, mesh, chaos }) => {
    const [service, link] =
      scheme === 'wss' ? (['api', live] as const) : (['plain', ws.link('ws://plain.shop.test/socket')] as const)
    mesh.service(service).use(
      link.addEventListener('connection', ({ client }) => {
        client.addEventListener('message', ({ data }) => client.send(`heard ${String(data)}`))
      }),
    )
    await page.goto(scheme === 'wss' ? siteUrl : 'http://plain.shop.test')
    const first = await page.evaluate((url) => {
      const socket = new WebSocket(url)
      socket.onopen = () => socket.send('hello')
      const closed = new Promise<number>((resolve) => (socket.onclose = ({ code }) => resolve(code)))
      Object.assign(window, { ended: closed })
      return new Promise<string>((resolve) => (socket.onmessage = ({ data }) => resolve(data as string)))
    }, `${scheme}://${service}.shop.test/socket`)
    expect(first).toBe('heard hello')
    chaos.outage(service)
    expect(await page.evaluate(() => (window as unknown as { ended: Promise<number> }).ended)).toBe(1006)
  })

test('an outage is a connection that breaks, and the mesh heals', async ({ page, chaos }) => {
  await page.goto(siteUrl)
  const outage = chaos.outage('api')
  expect(await fetched(page, `${apiUrl}/json`)).toEqual({ error: 'Failed to fetch' })
  outage.revert()
  expect(await fetched(page, `${apiUrl}/json`)).toMatchObject({ status: 200 })
})

test('two contexts are told apart by their proxies', async ({ page, browser, mesh, chaos }) => {
  const context = await browser.newContext({ proxy: { server: mesh.proxy('admin') } })
  const other = await context.newPage()
  await Promise.all([page.goto(siteUrl), other.goto(siteUrl)])
  chaos.abort('admin->api', { status: 503 })
  expect(await fetched(page, `${apiUrl}/json`)).toMatchObject({ status: 200 })
  expect(await fetched(other, `${apiUrl}/json`)).toMatchObject({ status: 503 })
  expect(mesh.edge('browser->api')).toHaveCallCount(1)
  expect(mesh.edge('admin->api')).toHaveCallCount(1)
  await context.close()
})

test('a context made by hand has the proxy of the service under test', async ({ browser, mesh }) => {
  const page = await browser.newPage()
  await page.goto(`${siteUrl}/away`)
  await page.close()
  expect(mesh.edge('browser->www')).toHaveCallCount(1)
})

test('the fixture request goes the same way, and the code of this process does not', async ({ request, mesh }) => {
  const response = await request.post(`${apiUrl}/echo`, { data: 'hello' })
  expect(await response.json()).toMatchObject({ method: 'POST', body: 'hello' })
  expect(mesh.edge('browser->api')).toHaveCallCount(1)
  await expect(fetch(`${apiUrl}/json`)).rejects.toThrow('fetch failed')
})

test('a host of nobody cannot be reached, which fails no test', async ({ page, mesh }) => {
  await page.goto(siteUrl)
  expect(await fetched(page, 'https://telemetry.example/')).toEqual({ error: 'Failed to fetch' })
  const refused = mesh.journal.where({ type: 'proxy.refused' })
  expect(refused.map(({ host }) => host)).toContain('telemetry.example')
  expect(mesh.problems).toEqual([])
})

test.describe('an app of this machine', () => {
  let app: Server
  let appUrl: string

  test.beforeEach(async () => {
    app = createServer((request, response) => {
      response
        .setHeader('content-type', 'text/html')
        .end(`<!doctype html><link rel="icon" href="data:,">${request.url}`)
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => app.once('listening', resolve))
    appUrl = `http://127.0.0.1:${(app.address() as AddressInfo).port}`
  })
  test.afterEach(() => {
    app.closeAllConnections()
    app.close()
  })

  test('serves its page directly, which calls the mesh', async ({ page, mesh }) => {
    await page.goto(`${appUrl}/cart`)
    await expect(page.locator('body')).toHaveText('/cart')
    expect(await fetched(page, `${apiUrl}/json`)).toMatchObject({ text: '{"ok":true}' })
    expect((await fetched(page, '/again')).text).toContain('/again')
    expect(mesh.edge('browser->api')).toHaveCallCount(1)
  })

  test('is reached by a context without a bypass, too', async ({ browser, mesh }) => {
    const page = await browser.newPage({ proxy: { server: mesh.proxy() } })
    await page.goto(`${appUrl.replace('127.0.0.1', 'app.localhost')}/cart`)
    await expect(page.locator('body')).toHaveText('/cart')
    await page.close()
  })
})
