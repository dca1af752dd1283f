import type { Page } from '@playwright/test'
import { defineMesh, http, HttpResponse } from 'meshwright'
import { expect, test } from 'meshwright/playwright'
import { apiUrl, site, siteUrl } from './site.mesh.ts'

test.use(site)

/** Fetches in the page; a failure as `name: message`. */
const fetched = (page: Page, url: string, init: Record<string, unknown> = {}) =>
  page.evaluate(
    async ([url, init]) => {
      try {
        const response = await fetch(url, init)
        const { status, redirected } = response
        return { status, redirected, text: await response.text() }
      } catch (error) {
        return { error: `${(error as Error).name}: ${(error as Error).message}` }
      }
    },
    [url, init] as const,
  )

test.describe('documents', () => {
  test('a page, its script and its images come from services of the mesh', async ({ page, mesh }) => {
    const response = await page.goto(siteUrl)
    expect(response?.status()).toBe(200)
    await expect(page.getByRole('heading')).toHaveText('Shop')
    await expect(page.locator('body')).toHaveAttribute('data-script', 'ran')
    await expect(page.getByAltText('pixel')).toHaveJSProperty('naturalWidth', 3)
    expect(mesh.service('www').requests.map(({ path }) => path)).toEqual(['/', '/pixel.svg', '/app.js'])
    expect(mesh.journal.where({ type: 'call.started' }).map(({ origin }) => origin)).toEqual(Array(3).fill('browser'))
  })

  test('an image arrives with the bytes that it was sent with', async ({ page }) => {
    await page.goto(siteUrl)
    const size = await page.evaluate(async () => {
      const bytes = new Uint8Array(await (await fetch('/pixel.png')).arrayBuffer())
      return [bytes.length, ...bytes.slice(0, 4)]
    })
    expect(size).toEqual([68, 0x89, 0x50, 0x4e, 0x47])
  })

  test('a second page, a popup and a frame reach the same mesh', async ({ page, context, mesh }) => {
    await page.goto(siteUrl)
    const second = await context.newPage()
    await second.goto(`${siteUrl}/away`)
    await expect(second.getByRole('heading')).toHaveText('Away')
    const popup = page.waitForEvent('popup')
    await page.evaluate(() => void window.open('/away?popup'))
    await expect((await popup).getByRole('heading')).toHaveText('Away')
    await page.setContent('<iframe src="/away?frame"></iframe>')
    await expect(page.frameLocator('iframe').getByRole('heading')).toHaveText('Away')
    expect(mesh.service('www')).toHaveReceived('GET /away', { times: 3 })
  })

  test('a context made by hand reaches the mesh once it is attached', async ({ browser, mesh }) => {
    const context = await browser.newContext()
    const detach = await mesh.attach(context)
    const page = await context.newPage()
    await page.goto(siteUrl)
    await detach()
    await expect(page.goto(siteUrl)).rejects.toThrow('net::ERR_NAME_NOT_RESOLVED')
    await context.close()
    expect(mesh.service('www')).toHaveReceived('GET /', { times: 1 })
  })
})

test.describe('cookies', () => {
  test('several cookies are kept, and sent back with the next request', async ({ page, context }) => {
    await page.goto(siteUrl)
    await fetched(page, `${apiUrl}/set-cookies`, { credentials: 'include' })
    const cookies = await context.cookies(apiUrl)
    expect(cookies.map(({ name, value, httpOnly }) => ({ name, value, httpOnly }))).toEqual([
      { name: 'session', value: 's1', httpOnly: true },
      { name: 'theme', value: 'dark', httpOnly: false },
    ])
    const { text } = await fetched(page, `${apiUrl}/echo`, { credentials: 'include' })
    expect(JSON.parse(text!).headers.cookie).toBe('session=s1; theme=dark')
  })

  test('a request without credentials carries none', async ({ page }) => {
    await page.goto(siteUrl)
    await fetched(page, `${apiUrl}/set-cookies`, { credentials: 'include' })
    const { text } = await fetched(page, `${apiUrl}/echo`, { credentials: 'omit' })
    expect(JSON.parse(text!).headers.cookie).toBeUndefined()
  })

  test('scripts see no HttpOnly cookie', async ({ page, context }) => {
    await page.goto(`${siteUrl}/form`)
    await page.getByRole('button').click()
    await expect(page.getByRole('heading')).toHaveText('Hello Ada')
    expect(await page.evaluate(() => document.cookie)).toBe('')
    expect(await context.cookies(siteUrl)).toMatchObject([{ name: 'user', value: 'Ada', httpOnly: true }])
  })
})

test.describe('answers', () => {
  test('every status reaches the page', async ({ page }) => {
    await page.goto(siteUrl)
    for (const code of [200, 201, 204, 304, 400, 404, 418, 500, 503])
      expect(await fetched(page, `${apiUrl}/status/${code}`)).toEqual({ status: code, redirected: false, text: '' })
  })

  test('all headers of an answer can be read from another origin', async ({ page }) => {
    await page.goto(siteUrl)
    const headers = await page.evaluate(async (url) => Object.fromEntries((await fetch(url)).headers), `${apiUrl}/json`)
    expect(headers).toMatchObject({ 'content-type': 'application/json', etag: '"7"', 'x-total': '12' })
  })

  test('bytes are the same in both directions', async ({ page }) => {
    await page.goto(siteUrl)
    const same = await page.evaluate(async (url) => {
      const sent = Uint8Array.from({ length: 1024 }, (_, i) => i % 256)
      const response = await fetch(url, { method: 'POST', body: sent })
      return sent.join() === new Uint8Array(await response.arrayBuffer()).join()
    }, `${apiUrl}/bytes`)
    expect(same).toBe(true)
  })

  test('megabytes arrive whole', async ({ page, mesh }) => {
    await page.goto(siteUrl)
    const length = 5 * 1024 * 1024
    const received = await page.evaluate(
      async ([url, length]) => {
        const response = await fetch(url, { method: 'POST', body: new Uint8Array(length).fill(0xfe) })
        const bytes = new Uint8Array(await response.arrayBuffer())
        return { length: bytes.length, same: bytes.every((byte) => byte === 0xfe) }
      },
      [`${apiUrl}/bytes`, length] as const,
    )
    expect(received).toEqual({ length, same: true })
    expect(mesh.service('api').requests[0]).toMatchObject({ body: { bytes: length } })
  })

  test('a compressed answer is unpacked, as by any client', async ({ page, mesh }) => {
    const { gzipSync } = await import('node:zlib')
    const body = new Uint8Array(gzipSync('plain again'))
    mesh
      .service('api')
      .use(http.get('/gzip', () => new HttpResponse(body, { headers: { 'content-encoding': 'gzip' } })))
    await page.goto(siteUrl)
    expect(await fetched(page, `${apiUrl}/gzip`)).toMatchObject({ status: 200, text: 'plain again' })
  })
})

test.describe('redirects', () => {
  test('a form post that answers with a redirect leads to the next page, cookie included', async ({ page, mesh }) => {
    await page.goto(`${siteUrl}/form`)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await expect(page).toHaveURL(`${siteUrl}/home`)
    await expect(page.getByRole('heading')).toHaveText('Hello Ada')
    expect(mesh.service('www')).toHaveReceived('POST /login', { times: 1 })
    expect(mesh.service('www')).toHaveReceived('GET /home', { times: 1 })
  })

  test('goto ends at the page to which it was redirected', async ({ page }) => {
    await page.goto(`${apiUrl}/to-www`)
    await expect(page).toHaveURL(`${siteUrl}/away`)
    await expect(page.getByRole('heading')).toHaveText('Away')
  })

  for (const [code, method, body] of [
    [301, 'GET', ''],
    [302, 'GET', ''],
    [303, 'GET', ''],
    [307, 'POST', 'kept'],
    [308, 'POST', 'kept'],
  ] as const)
    test(`after ${code} a POST goes on as ${method}`, async ({ page }) => {
      await page.goto(siteUrl)
      const { text } = await fetched(page, `${apiUrl}/redirect/${code}`, { method: 'POST', body: 'kept' })
      expect(JSON.parse(text!)).toMatchObject({ method, body })
    })

  test('the target of a redirect gets the cookie that was set with it', async ({ page, context }) => {
    await page.goto(siteUrl)
    const { text } = await fetched(page, `${apiUrl}/sign-in`, { credentials: 'include' })
    expect(JSON.parse(text!).headers.cookie).toBe('token=t1')
    expect(await context.cookies(apiUrl)).toMatchObject([{ name: 'token', value: 't1' }])
  })

  test('a redirect to another service is a call to that service', async ({ page, mesh }) => {
    await page.goto(siteUrl)
    expect((await fetched(page, `${apiUrl}/to-www`)).text).toContain('Away')
    expect(mesh.edge('browser->www')).toHaveCallCount(4)
  })
})

test.describe('other origins', () => {
  test('a request that needs a preflight is one call', async ({ page, mesh }) => {
    await page.goto(siteUrl)
    const { text } = await fetched(page, `${apiUrl}/echo`, {
      method: 'PUT',
      headers: { 'x-custom': 'yes', 'content-type': 'application/json' },
      body: '{"a":1}',
    })
    expect(JSON.parse(text!)).toMatchObject({ method: 'PUT', headers: { 'x-custom': 'yes' }, body: '{"a":1}' })
    expect(mesh.edge('browser->api')).toHaveCallCount(1)
  })

  test("a handler's own Access-Control-Allow-Origin stands", async ({ page }) => {
    await page.goto(siteUrl)
    expect(await fetched(page, `${apiUrl}/strict`)).toEqual({ error: 'TypeError: Failed to fetch' })
  })

  test('only the origins of the mesh are routed, and routes of the test go first', async ({ page, context, mesh }) => {
    await context.route('**/echo', (route) => route.fulfill({ body: 'from the context' }))
    await page.route('**/json', (route) => route.fulfill({ body: 'from the page' }))
    await page.route('https://elsewhere.test/**', (route) =>
      route.fulfill({ body: 'elsewhere', headers: { 'access-control-allow-origin': '*' } }),
    )
    await page.goto(siteUrl)
    expect((await fetched(page, `${apiUrl}/echo`)).text).toBe('from the context')
    expect((await fetched(page, `${apiUrl}/json`)).text).toBe('from the page')
    expect((await fetched(page, 'https://elsewhere.test/')).text).toBe('elsewhere')
    await page.unroute('**/json')
    expect((await fetched(page, `${apiUrl}/json`)).text).toBe('{"ok":true}')
    expect(mesh.edge('browser->api')).toHaveCallCount(1)
  })

  test('a route of the test may look at a request and leave it to the mesh', async ({ page, mesh }) => {
    const seen: string[] = []
    await page.route('**/*', (route) => {
      seen.push(new URL(route.request().url()).pathname)
      return route.fallback()
    })
    await page.goto(`${siteUrl}/away`)
    expect(seen).toEqual(['/away'])
    expect(mesh.service('www')).toHaveReceived('GET /away', { times: 1 })
  })
})

test.describe('faults', () => {
  const failures = {
    outage: 'net::ERR_CONNECTION_REFUSED',
    reset: 'net::ERR_CONNECTION_RESET',
    truncate: 'net::ERR_CONNECTION_CLOSED',
  } as const

  for (const [fault, errorText] of Object.entries(failures))
    test(`${fault} is ${errorText} for the page`, async ({ page, chaos }) => {
      await page.goto(siteUrl)
      const injected = chaos[fault as keyof typeof failures]('api')
      const failed = page.waitForEvent('requestfailed')
      expect(await fetched(page, `${apiUrl}/json`)).toEqual({ error: 'TypeError: Failed to fetch' })
      expect((await failed).failure()?.errorText).toBe(errorText)
      injected.revert()
      expect(await fetched(page, `${apiUrl}/json`)).toMatchObject({ status: 200 })
    })

  test('an answer without a body that is cut is a closed connection', async ({ page, chaos }) => {
    await page.goto(siteUrl)
    chaos.truncate('api')
    const failed = page.waitForEvent('requestfailed')
    await fetched(page, `${apiUrl}/status/204`)
    expect((await failed).failure()?.errorText).toBe('net::ERR_CONNECTION_CLOSED')
  })

  test('a reset in the middle of the body is a reset for the page', async ({ page, chaos }) => {
    await page.goto(siteUrl)
    chaos.reset('api', { at: 'mid-body' })
    const failed = page.waitForEvent('requestfailed')
    await fetched(page, `${apiUrl}/json`)
    expect((await failed).failure()?.errorText).toBe('net::ERR_CONNECTION_RESET')
  })

  test('abort and latency are an answer, and a late one', async ({ page, chaos }) => {
    await page.goto(siteUrl)
    chaos.abort('api', { status: 503, json: { busy: true }, times: 1 })
    expect(await fetched(page, `${apiUrl}/json`)).toEqual({ status: 503, redirected: false, text: '{"busy":true}' })
    chaos.latency('api', { ms: 150 })
    const waitedMs = await page.evaluate(async (url) => {
      const start = performance.now()
      await fetch(url)
      return performance.now() - start
    }, `${apiUrl}/json`)
    expect(waitedMs).toBeGreaterThan(145)
  })

  test("a hanging service is the page's own time-out", async ({ page, mesh, chaos }) => {
    await page.goto(siteUrl)
    chaos.hang('api')
    const error = await page.evaluate(async (url) => {
      try {
        // Long enough for the request to have left the page on a busy machine.
        await fetch(url, { signal: AbortSignal.timeout(1_000) })
      } catch (error) {
        return (error as Error).name
      }
    }, `${apiUrl}/json`)
    expect(error).toBe('TimeoutError')
    await mesh.settled()
    expect(mesh.edge('browser->api')).toHaveCallCount(1)
    expect(mesh.service('api').requests).toEqual([])
  })

  test('a page that does not load shows why', async ({ page, context, chaos }) => {
    chaos.outage('www')
    await expect(page.goto(siteUrl)).rejects.toThrow('net::ERR_CONNECTION_REFUSED')
    chaos.heal()
    // A page of its own, because the browser is still busy with showing its error in the first.
    const second = await context.newPage()
    await second.goto(siteUrl)
    await expect(second.getByRole('heading')).toHaveText('Shop')
  })
})

test.describe('a page that goes away', () => {
  const waiting = () => {
    const { promise: arrived, resolve: arrive } = deferred<void>()
    const { promise: gone, resolve: leave } = deferred<string>()
    const handler = http.get('/wait', ({ request }) => {
      arrive()
      return new Promise<Response>((answer) => {
        request.signal.addEventListener('abort', () => {
          leave(String((request.signal.reason as Error).message))
          answer(new HttpResponse(null, { status: 499 }))
        })
      })
    })
    return { arrived, gone, handler }
  }

  test("an aborted fetch reaches the handler's signal", async ({ page, mesh }) => {
    const { arrived, gone, handler } = waiting()
    mesh.service('api').use(handler)
    await page.goto(siteUrl)
    await page.evaluate((url) => {
      const controller = new AbortController()
      Object.assign(window, { abort: () => controller.abort() })
      fetch(url, { signal: controller.signal }).catch(() => {})
    }, `${apiUrl}/wait`)
    await arrived
    await page.evaluate(() => (window as unknown as { abort(): void }).abort())
    expect(await gone).toBe('The page went away')
    await mesh.settled()
  })

  test('navigating away while a service hangs leaves nothing behind', async ({ page, mesh, chaos }) => {
    await page.goto(siteUrl)
    chaos.hang('api')
    await page.evaluate((url) => void fetch(url).catch(() => {}), `${apiUrl}/json`)
    await expect(mesh.edge('browser->api')).toEventuallyHaveCallCount(1)
    await page.goto(`${siteUrl}/away`)
    await mesh.settled()
    expect(mesh.journal.where({ type: 'call.ended', edge: 'browser->api' })).toMatchObject([{ outcome: 'hung' }])
  })

  test('closing the page does the same', async ({ page, mesh }) => {
    const { arrived, gone, handler } = waiting()
    mesh.service('api').use(handler)
    await page.goto(siteUrl)
    await page.evaluate((url) => void fetch(url).catch(() => {}), `${apiUrl}/wait`)
    await arrived
    await page.close()
    await gone
    await mesh.settled()
  })
})

test.describe('kinds of requests', () => {
  test('XMLHttpRequest', async ({ page }) => {
    await page.goto(siteUrl)
    const answer = await page.evaluate(
      (url) =>
        new Promise((resolve) => {
          const request = new XMLHttpRequest()
          request.open('POST', url)
          request.onload = () => resolve([request.status, JSON.parse(request.responseText).body])
          request.onerror = () => resolve('error')
          request.send('by XHR')
        }),
      `${apiUrl}/echo`,
    )
    expect(answer).toEqual([200, 'by XHR'])
  })

  test('forms in every encoding', async ({ page }) => {
    await page.goto(siteUrl)
    const sent = await page.evaluate(async (url) => {
      const echo = async (body: BodyInit) =>
        (await (await fetch(url, { method: 'POST', body })).json()) as { body: string }
      const form = new FormData()
      form.append('name', 'Ada')
      return [await echo(new URLSearchParams({ name: 'Ada' })), await echo(form), await echo(new Blob(['blob']))]
    }, `${apiUrl}/echo`)
    expect(sent[0]).toMatchObject({ body: 'name=Ada' })
    expect(sent[1]!.body).toMatch(/name="name"\r\n\r\nAda\r\n/)
    expect(sent[2]).toMatchObject({ body: 'blob' })
  })

  test('an EventSource gets the events of a stream that ends', async ({ page }) => {
    await page.goto(siteUrl)
    expect(await messages(page, `${apiUrl}/events`, 2)).toEqual(['one', 'two'])
  })

  test('an EventSource gets the events of a stream that never ends', async ({ page, mesh }) => {
    await page.goto(siteUrl)
    expect(await messages(page, `${apiUrl}/endless`, 1)).toEqual(['first'])
    await mesh.settled()
  })

  test('a stream that never pauses is handed over all the same, and stopped', async ({ page, mesh }) => {
    let timer: ReturnType<typeof setInterval> | undefined
    let isStopped = false
    const ticks = () =>
      new ReadableStream({
        start: (controller) => {
          let n = 0
          timer = setInterval(() => controller.enqueue(new TextEncoder().encode(`data: ${n++}\n\n`)), 50)
        },
        cancel: () => {
          isStopped = true
          clearInterval(timer)
        },
      })
    mesh
      .service('api')
      .use(http.get('/ticks', () => new HttpResponse(ticks(), { headers: { 'content-type': 'text/event-stream' } })))
    await page.goto(siteUrl)
    expect(await messages(page, `${apiUrl}/ticks`, 10)).toEqual(Array.from({ length: 10 }, (_, i) => String(i)))
    expect(isStopped).toBe(true)
  })

  test('a stream that breaks is a broken connection', async ({ page, mesh }) => {
    const broken = () =>
      new ReadableStream({
        start: (controller) => controller.error(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })),
      })
    mesh
      .service('api')
      .use(http.get('/broken', () => new HttpResponse(broken(), { headers: { 'content-type': 'text/event-stream' } })))
    await page.goto(siteUrl)
    const failed = page.waitForEvent('requestfailed')
    await fetched(page, `${apiUrl}/broken`)
    expect((await failed).failure()?.errorText).toBe('net::ERR_CONNECTION_RESET')
  })

  test('what a service worker asks for reaches the mesh', async ({ page, mesh }) => {
    await page.goto(`${siteUrl}/form`)
    await page.evaluate(async () => {
      const controlled = new Promise((resolve) =>
        navigator.serviceWorker.addEventListener('controllerchange', resolve, { once: true }),
      )
      await navigator.serviceWorker.register('/worker.js')
      await controlled
    })
    expect((await fetched(page, `${siteUrl}/away`)).text).toContain('Away')
    expect(mesh.service('www')).toHaveReceived('GET /away', { times: 1 })
  })

  test("page.request is no page's request, but reaches the mesh", async ({ page, context, mesh }) => {
    const response = await page.request.get(`${apiUrl}/set-cookies`)
    expect(response.status()).toBe(200)
    expect((await context.cookies(apiUrl)).map(({ name }) => name)).toEqual(['session', 'theme'])
    expect(mesh.journal.where({ type: 'call.started' })).toMatchObject([{ origin: 'in-process' }])
  })
})

test.describe('while the mesh runs', () => {
  test('a service that is added can be reached at once, and not any more when it is removed', async ({
    page,
    mesh,
  }) => {
    await page.goto(siteUrl)
    mesh.addService('search', {
      url: 'https://search.shop.test',
      handlers: [http.get('/', () => HttpResponse.text('hits'))],
    })
    mesh.addEdge('browser', 'search')
    expect(await fetched(page, 'https://search.shop.test/')).toMatchObject({ status: 200, text: 'hits' })
    mesh.removeService('search')
    const failed = page.waitForEvent('requestfailed')
    await fetched(page, 'https://search.shop.test/')
    expect((await failed).failure()?.errorText).toBe('net::ERR_CONNECTION_REFUSED')
  })
})

test.describe('many services', () => {
  const names = Array.from({ length: 60 }, (_, i) => `s${i}`)
  // Names that are made here are unknown to the types, so each service is declared by itself.
  const app = defineMesh({ name: 'many', services: { app: { underTest: true } } })
  test.use(
    names.reduce(
      (mesh, name) => mesh.with({ services: { [name]: {}, app: { calls: { [name]: {} } } } }) as typeof app,
      app,
    ),
  )

  test('all of them are routed', async ({ page }) => {
    await page.goto('http://s0/')
    const statuses = await page.evaluate(
      (names) => Promise.all(names.map(async (name) => (await fetch(`http://${name}/`)).status)),
      names,
    )
    expect(statuses).toEqual(names.map(() => 200))
  })
})

function deferred<T>() {
  let resolve!: (value: T) => void
  const promise = new Promise<T>((fulfil) => (resolve = fulfil))
  return { promise, resolve }
}

/** The first messages of an event stream. */
const messages = (page: Page, url: string, count: number) =>
  page.evaluate(
    ([url, count]) =>
      new Promise<string[]>((resolve) => {
        const received: string[] = []
        const source = new EventSource(url)
        source.onmessage = ({ data }) => {
          received.push(data as string)
          if (received.length < count) return
          source.close()
          resolve(received)
        }
      }),
    [url, count] as const,
  )
