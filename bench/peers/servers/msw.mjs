/**
 * MSW as a server: its handlers behind `node:http`, asked through `getResponse`, as its authors' own middleware does it. What
 * came in is written down in an array, because a journal is on everywhere.
 */
import { createServer } from 'node:http'
import { delay, getResponse, http, HttpResponse } from 'msw'
import { listening, serve } from './serve.mjs'

const handlerOf = ({ path, body, delayMs, echo }) => {
  if (echo) return http.get(path, ({ params }) => HttpResponse.json({ id: params.id }))
  const json = JSON.parse(body)
  if (!delayMs) return http.get(path, () => HttpResponse.json(json))
  return http.get(path, async () => {
    await delay(delayMs)
    return HttpResponse.json(json)
  })
}

let journal = []

function serverOf({ stubs }) {
  const handlers = stubs.map(handlerOf)
  return createServer(async (incoming, outgoing) => {
    const { method, url: path, headers } = incoming
    const baseUrl = `http://${headers.host}`
    const entry = { at: performance.now(), method, path, headers }
    journal.push(entry)
    const response = await getResponse(handlers, new Request(baseUrl + path, { method, headers }), { baseUrl })
    entry.status = response?.status ?? 404
    if (!response) return void outgoing.writeHead(404, { 'content-length': 0 }).end()
    const content = Buffer.from(await response.arrayBuffer())
    outgoing
      .writeHead(response.status, { ...Object.fromEntries(response.headers), 'content-length': content.length })
      .end(content)
  })
}

let close = async () => {}
serve({
  async load({ services }) {
    await close()
    journal = []
    const open = await listening(services.map(serverOf))
    close = open.close
    return open.urls
  },
})
