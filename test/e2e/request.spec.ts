import { expect, test } from 'meshwright/playwright'
import { apiUrl, site, siteUrl } from './site.mesh.ts'

test.use(site)

test.describe('the request fixture', () => {
  test('gets the answers of the mesh, without a browser', async ({ request, mesh }) => {
    const response = await request.get(`${apiUrl}/json`)
    expect(response.status()).toBe(200)
    expect(response.headers()).toMatchObject({ etag: '"7"', 'x-total': '12' })
    expect(await response.json()).toEqual({ ok: true })
    expect(mesh.service('api')).toHaveReceived('GET /json', { times: 1 })
  })

  test('sends bytes, headers and forms', async ({ request }) => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
    expect(await (await request.post(`${apiUrl}/bytes`, { data: bytes })).body()).toEqual(bytes)
    const echoed = (await (
      await request.put(`${apiUrl}/echo`, { form: { a: 1 }, headers: { 'x-own': 'y' } })
    ).json()) as {
      headers: object
    }
    expect(echoed).toMatchObject({ method: 'PUT', body: 'a=1' })
    expect(echoed.headers).toMatchObject({ 'x-own': 'y' })
  })

  test('keeps cookies and follows redirects by itself', async ({ request, mesh }) => {
    const response = await request.post(`${siteUrl}/login`, { form: { user: 'Ada' } })
    expect(response.url()).toBe(`${siteUrl}/home`)
    expect(await response.text()).toContain('Hello Ada')
    expect(mesh.edge('browser->www')).toHaveCallCount(2)
  })

  for (const [fault, message] of [
    ['outage', /connect ECONNREFUSED/],
    ['reset', /read ECONNRESET/],
    ['truncate', /aborted/],
  ] as const)
    test(`${fault} fails as on a real network`, async ({ request, chaos }) => {
      chaos[fault]('api')
      await expect(request.get(`${apiUrl}/json`)).rejects.toThrow(message)
    })

  test('a hanging service runs into its time-out', async ({ request, mesh, chaos }) => {
    chaos.hang('api')
    await expect(request.get(`${apiUrl}/json`, { timeout: 100 })).rejects.toThrow('Timeout 100ms exceeded')
    await mesh.settled()
    expect(mesh.service('api').requests).toEqual([])
  })

  test('retries what was reset, if told to', async ({ request, mesh, chaos }) => {
    chaos.reset('api', { times: 2 })
    expect((await request.get(`${apiUrl}/json`, { maxRetries: 2 })).status()).toBe(200)
    expect(mesh.edge('browser->api')).toHaveCallCount(3)
  })

  test('an API context made by hand reaches the mesh, too', async ({ playwright }) => {
    const context = await playwright.request.newContext({ baseURL: apiUrl })
    expect((await context.get('/json')).status()).toBe(200)
    await context.dispose()
  })
})
