/** Requests of the one who measures, each on a connection of its own: nothing is kept open between them. */
import { request } from 'node:http'

/** @returns {Promise<{ status: number, headers: Record<string, string>, headBytes: number, body: string }>} */
export function ask(url, { method = 'GET', json, timeoutMs = 30_000 } = {}) {
  return new Promise((resolve, reject) => {
    const content = json === undefined ? undefined : JSON.stringify(json)
    const headers =
      content === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(content) }
    const sent = request(url, { method, headers, agent: false, timeout: timeoutMs }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk) => (body += chunk))
      response.on('error', reject)
      response.on('end', () => {
        const { statusCode: status, statusMessage, rawHeaders } = response
        const lines = rawHeaders.reduce((sum, part) => sum + Buffer.byteLength(part) + 2, 0)
        resolve({ status, headers: response.headers, headBytes: 15 + statusMessage.length + lines + 2, body })
      })
    })
    sent.on('error', reject)
    sent.on('timeout', () => sent.destroy(new Error(`${url} has not answered for ${timeoutMs / 1000} s`)))
    sent.end(content)
  })
}

/** Asks until the status is what it should be; how long that took is what the caller measures. */
export async function untilAnswered(url, child, { status = 200, limitMs = 60_000 } = {}) {
  const startedAt = performance.now()
  for (;;) {
    const answer = await ask(url, { timeoutMs: 5_000 }).catch((error) => error)
    if (answer.status === status) return answer
    if (child && (child.exitCode !== null || child.signalCode !== null))
      throw new Error(`the server ended with ${child.exitCode ?? child.signalCode} before it answered`)
    if (performance.now() - startedAt > limitMs)
      throw new Error(`${url} did not answer ${status} within ${limitMs / 1000} s: ${answer.message ?? answer.status}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** For settings: anything but success is an error. */
export async function tell(url, method, json) {
  const { status, body } = await ask(url, { method, json })
  if (status >= 300) throw new Error(`${method} ${url}: ${status} ${body.slice(0, 300)}`)
  return body
}
