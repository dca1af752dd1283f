/** The floor: Node's own HTTP server and the bytes of the answer, nothing looked for and nothing written down. */
import { createServer } from 'node:http'
import { patternOf } from '../world.mjs'
import { listening, serve } from './serve.mjs'

const answer = (response, status, body) =>
  response
    .writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
    .end(body)

function serverOf({ stubs }) {
  const fixed = new Map(stubs.filter(({ echo }) => !echo).map((stub) => [stub.path, stub]))
  const echo = stubs.find((stub) => stub.echo)
  const pattern = echo && new RegExp(`^${patternOf(echo.path)}$`)
  return createServer(({ method, url }, response) => {
    const stub = method === 'GET' ? fixed.get(url) : undefined
    if (stub?.delayMs) setTimeout(answer, stub.delayMs, response, 200, stub.body)
    else if (stub) answer(response, 200, stub.body)
    else {
      const id = pattern?.exec(url)?.[1]
      if (id === undefined) answer(response, 404, '')
      else answer(response, 200, JSON.stringify({ id }))
    }
  })
}

let close = async () => {}
serve({
  async load({ services }) {
    await close()
    const open = await listening(services.map(serverOf))
    close = open.close
    return open.urls
  },
})
