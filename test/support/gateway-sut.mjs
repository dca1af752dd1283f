/**
 * A system under test as it stands in production: one process for everybody, in plain Node. `POST /orders?<id>` charges at
 * PAYMENTS_URL, and hands on of the context of the request what FORWARD names. Says its address when it is ready.
 */
import http from 'node:http'

const { PAYMENTS_URL, FORWARD = 'baggage,traceparent' } = process.env
const forwarded = FORWARD.split(',')
const agent = new http.Agent({ keepAlive: true })

const server = http.createServer((request, response) => {
  request.resume()
  const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => forwarded.includes(name)))
  // A connection that breaks half-way is an error of the response, and of the request, too.
  const answer = (status, body) => {
    if (response.headersSent) return
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
  const { search } = new URL(request.url, 'http://orders')
  http
    .request(`${PAYMENTS_URL}/charges${search}`, { method: 'POST', headers, agent }, (charged) => {
      let text = ''
      charged.setEncoding('utf8')
      charged.on('data', (chunk) => (text += chunk))
      charged.on('error', (error) => answer(502, { error: error.code, text }))
      charged.on('end', () => answer(charged.statusCode, { text }))
    })
    .on('error', (error) => answer(502, { error: error.code }))
    .end()
})
server.listen(0, '127.0.0.1', () => process.send(`http://127.0.0.1:${server.address().port}`))
process.once('disconnect', () => process.exit())
