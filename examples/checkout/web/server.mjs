// Serves the page, and nothing else.
import { readFileSync } from 'node:fs'
import http from 'node:http'

const page = readFileSync(new URL('index.html', import.meta.url))

/** @returns {Promise<{ url: string, close(): void }>} */
export function serveWeb(port = 0) {
  const server = http.createServer((request, response) => {
    if (request.url !== '/') return response.writeHead(404).end()
    return response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page)
  })
  return new Promise((resolve) => {
    server.listen(port, '127.0.0.1', () => {
      const address = /** @type {import('node:net').AddressInfo} */ (server.address())
      resolve({ url: `http://127.0.0.1:${address.port}/`, close: () => server.close().closeAllConnections() })
    })
  })
}
