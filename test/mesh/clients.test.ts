import http from 'node:http'
import axios from 'axios'
import got from 'got'
import { describe, expect, test } from 'vitest'
import { request as undiciRequest } from 'undici'
import { defineMesh, http as msw, HttpResponse } from '../../src/index.ts'
import { meshes } from '../support/meshes.ts'

const start = meshes()

const echo = defineMesh({
  name: 'echo',
  services: {
    app: { underTest: true, calls: { api: {} } },
    api: {
      url: 'https://api.echo.test',
      handlers: [
        msw.post('/echo', async ({ request }) =>
          HttpResponse.json({ sent: await request.json(), custom: request.headers.get('x-custom') }, { status: 201 }),
        ),
      ],
      responseTime: 5_000,
    },
  },
})

const url = 'https://api.echo.test/echo'
const headers = { 'content-type': 'application/json', 'x-custom': 'yes' }

/** Clients as users have them; each posts `{ n: 1 }` and gives status and parsed body. */
const clients: Record<string, () => Promise<{ status: number | undefined; body: unknown }>> = {
  async fetch() {
    const response = await fetch(url, { method: 'POST', headers, body: '{"n":1}' })
    return { status: response.status, body: await response.json() }
  },
  'http.request': () =>
    new Promise((resolve, reject) => {
      const request = http.request(url.replace('https', 'http'), { method: 'POST', headers }, (response) => {
        let text = ''
        response.on('data', (chunk) => (text += chunk))
        response.on('end', () => resolve({ status: response.statusCode, body: JSON.parse(text) }))
      })
      request.on('error', reject)
      request.end('{"n":1}')
    }),
  async axios() {
    const { status, data } = await axios.post(url, { n: 1 }, { headers })
    return { status, body: data }
  },
  async got() {
    const response = await got.post(url, { json: { n: 1 }, headers, retry: { limit: 0 } })
    return { status: response.statusCode, body: JSON.parse(response.body) }
  },
  async undici() {
    const { statusCode, body } = await undiciRequest(url, { method: 'POST', headers, body: '{"n":1}' })
    return { status: statusCode, body: await body.json() }
  },
}
// http.request is tried without TLS, so its mesh needs the other address.
const plain = echo.with({ services: { api: { url: 'http://api.echo.test' } } })

describe.each(Object.entries(clients))('%s', (name, post) => {
  const definition = name === 'http.request' ? plain : echo

  test('reaches the mesh in virtual time', async () => {
    const mesh = await start(definition)
    await mesh.simulate(async ({ now }) => {
      expect(await post()).toEqual({ status: 201, body: { sent: { n: 1 }, custom: 'yes' } })
      expect(now()).toBe(5_000)
    })
  })

  test('several calls at once take the time of one', async () => {
    const mesh = await start(definition)
    await mesh.simulate(async ({ now }) => {
      await Promise.all(Array.from({ length: 20 }, post))
      expect(now()).toBe(5_000)
    })
  })

  test('reaches the mesh in real time', async () => {
    await start(definition.with({ services: { api: { responseTime: 0 } } }))
    expect(await post()).toEqual({ status: 201, body: { sent: { n: 1 }, custom: 'yes' } })
  })

  test('sees a refused connection by its code', async () => {
    const mesh = await start(definition)
    mesh.chaos.outage('api')
    const error = await post().catch((reason: Error & { code?: string; cause?: { code?: string } }) => reason)
    expect((error as { code?: string }).code ?? (error as { cause?: { code?: string } }).cause?.code).toBe(
      'ECONNREFUSED',
    )
  })
})
