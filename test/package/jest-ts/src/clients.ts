import https from 'node:https'
import axios from 'axios'
import { request } from 'undici'

const url = 'https://orders.shop.test/orders'
const headers = { 'content-type': 'application/json' }
const body = JSON.stringify({ itemId: 'XYZ123', quantity: 1 })

/** The clients that a service may use, each with the status of one order. */
export const clients: Record<string, () => Promise<number>> = {
  fetch: async () => (await fetch(url, { method: 'POST', headers, body })).status,
  axios: async () => (await axios.post(url, body, { headers })).status,
  'https.request': () =>
    new Promise((resolve, reject) => {
      https
        .request(url, { method: 'POST', headers }, (response) => {
          response.resume()
          response.on('end', () => resolve(response.statusCode ?? 0))
        })
        .on('error', reject)
        .end(body)
    }),
  undici: async () => {
    const response = await request(url, { method: 'POST', headers, body })
    await response.body.dump()
    return response.statusCode
  },
}
