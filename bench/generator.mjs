/**
 * A load generator with an open loop: each request has its moment, and its time counts from there, whether or not a
 * connection was free and whatever the server did before. So a server that stands still makes all the requests of that
 * time late, instead of making them not happen (coordinated omission).
 *
 * Options come as JSON in the first argument, the result goes as JSON to stdout:
 *   targets      [{ host, port, path, header? }]; requests go to them in turn, connections are shared out evenly
 *   connections  in total
 *   rate         requests per second in total; absent: a closed loop, each connection asks again when it has its answer
 *   seconds, warmSeconds
 *   body         what each 200 has to carry
 *   expected     statuses that are no error besides 200
 *   drainSeconds how long answers may still come in after the last request
 *   slices       how many parts of the time get a p99 of their own
 */
import { Socket } from 'node:net'

const {
  targets,
  connections,
  rate,
  seconds,
  warmSeconds = 0.5,
  body: expectedBody,
  expected = [],
  drainSeconds = 1.5,
  slices = 1,
} = JSON.parse(process.argv[2])

const now = () => performance.now()
const crlf = Buffer.from('\r\n')
const headEnd = Buffer.from('\r\n\r\n')
const statuses = {}
const errors = {}
const latencies = []
const dues = []
const lateness = []
const count = (table, key) => (table[key] = (table[key] ?? 0) + 1)
const took = (due, at) => {
  latencies.push(at - due)
  dues.push(due)
}
let outstanding = 0
let completed = 0
let measuredFrom = Infinity
let measuredTo = Infinity
let isOver = false
let busyMs = 0

/** The end of a message that starts at 0, its status and body; undefined while it is not whole. */
function message(bytes) {
  const end = bytes.indexOf(headEnd)
  if (end < 0) return undefined
  const head = bytes.latin1Slice(0, end)
  const status = Number(head.slice(9, 12))
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)
  const from = end + headEnd.length
  const isLast = /\r\nconnection: *close/i.test(head)
  if (length) {
    const to = from + Number(length[1])
    return bytes.length < to ? undefined : { status, body: bytes.utf8Slice(from, to), to, isLast }
  }
  if (!/\r\ntransfer-encoding: *chunked/i.test(head)) return { status, body: '', to: from, isLast }
  let at = from
  let body = ''
  for (;;) {
    const line = bytes.indexOf(crlf, at)
    if (line < 0) return undefined
    const size = Number.parseInt(bytes.latin1Slice(at, line), 16)
    const next = line + 2 + size + 2
    if (bytes.length < next) return undefined
    if (size === 0) return { status, body, to: next, isLast }
    body += bytes.utf8Slice(line + 2, line + 2 + size)
    at = next
  }
}

class Connection {
  constructor(target) {
    this.target = target
    this.due = undefined
    this.bytes = undefined
    this.open()
  }

  open() {
    const { host, port } = this.target
    this.socket = new Socket()
    this.isReady = false
    this.socket.setNoDelay(true)
    this.socket.on('data', (chunk) => this.received(chunk))
    this.socket.on('error', (error) => this.lost(error.code ?? 'error'))
    this.socket.on('close', () => this.lost('closed'))
    this.socket.connect(port, host, () => {
      this.isReady = true
      if (this.due === undefined) this.target.next(this)
      else this.write()
    })
  }

  send(due) {
    this.due = due
    if (this.isReady) this.write()
  }

  write() {
    this.socket.write(this.target.request)
  }

  received(chunk) {
    const startedAt = now()
    this.bytes = this.bytes ? Buffer.concat([this.bytes, chunk]) : chunk
    const whole = message(this.bytes)
    if (whole) {
      this.bytes = undefined
      const { status, body, isLast } = whole
      this.done(status === 200 && expectedBody !== undefined && body !== expectedBody ? 'wrong body' : status)
      if (isLast) this.reopen()
      else this.target.next(this)
    }
    busyMs += now() - startedAt
  }

  done(status) {
    const { due } = this
    this.due = undefined
    if (due === undefined) return
    outstanding--
    const at = now()
    if (due < measuredFrom || due >= measuredTo) return
    if (at < measuredTo && typeof status === 'number') completed++
    if (typeof status === 'string') count(errors, status)
    else count(statuses, status)
    took(due, at)
  }

  lost(why) {
    if (isOver || this.socket.destroyed === undefined) return
    this.done(why)
    this.reopen()
  }

  reopen() {
    this.socket.removeAllListeners()
    this.socket.on('error', () => {})
    this.socket.destroy()
    this.bytes = undefined
    this.target.free = this.target.free.filter((other) => other !== this)
    if (isOver) return
    // Not at once: a port that refuses would keep this process busy.
    setTimeout(() => !isOver && this.open(), 5)
  }
}

/** One address with its connections and the requests that wait for one of them. */
class Target {
  constructor({ host, port, path, header = `${host}:${port}` }) {
    Object.assign(this, { host, port })
    this.request = Buffer.from(`GET ${path} HTTP/1.1\r\nhost: ${header}\r\naccept: */*\r\n\r\n`)
    this.free = []
    this.waiting = []
    this.first = 0
  }

  /** First come, first served, for requests as for connections: so that none of these idles until the server closes it. */
  next(connection) {
    if (rate === undefined) {
      if (now() >= measuredTo) return
      outstanding++
      connection.send(now())
    } else if (this.first < this.waiting.length) {
      connection.send(this.waiting[this.first++])
      if (this.first > 10_000) this.waiting = this.waiting.slice(this.first)
      if (this.first > 10_000) this.first = 0
    } else this.free.push(connection)
  }

  ask(due) {
    outstanding++
    const connection = this.free.shift()
    if (connection) connection.send(due)
    else this.waiting.push(due)
  }
}

const all = targets.map((target) => new Target(target))
const opened = Array.from({ length: connections }, (_, i) => new Connection(all[i % all.length]))
await new Promise((resolve) => {
  const limit = setTimeout(resolve, 5_000)
  const check = () => (opened.every(({ isReady }) => isReady) ? (clearTimeout(limit), resolve()) : setTimeout(check, 5))
  check()
})

const startedAt = now()
measuredFrom = startedAt + warmSeconds * 1_000
measuredTo = measuredFrom + seconds * 1_000
let cpu
let isMeasuring = false
const begin = () => {
  isMeasuring = true
  cpu = process.cpuUsage()
  busyMs = 0
}

let sent = 0
await new Promise((resolve) => {
  const tick = () => {
    const from = now()
    if (!isMeasuring && from >= measuredFrom) begin()
    if (from >= measuredTo) return resolve()
    if (rate === undefined) return void setTimeout(tick, 5)
    let due = startedAt + (sent * 1_000) / rate
    let isActive = false
    while (due <= from) {
      isActive = true
      if (due >= measuredFrom) lateness.push(from - due)
      all[sent++ % all.length].ask(due)
      due = startedAt + (sent * 1_000) / rate
    }
    if (isActive) busyMs += now() - from
    // Timers are a millisecond coarse; what is due sooner is waited for by looking again and again.
    if (due - now() > 2) setTimeout(tick, 1)
    else setImmediate(tick)
  }
  tick()
})
const used = process.cpuUsage(cpu)
const cpuShare = (used.user + used.system) / 1_000 / (seconds * 1_000)
const busyShare = busyMs / (seconds * 1_000)

const drainUntil = now() + drainSeconds * 1_000
while (outstanding > 0 && now() < drainUntil) await new Promise((resolve) => setTimeout(resolve, 5))
isOver = true
for (const { socket } of opened) socket.destroy()

// What has no answer by now took at least that long; left out, a server that is overrun would look quick.
const answered = latencies.length
const unanswered = [...opened.map(({ due }) => due), ...all.flatMap(({ waiting, first }) => waiting.slice(first))]
const endedAt = now()
for (const due of unanswered) if (due >= measuredFrom && due < measuredTo) took(due, endedAt)

const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN
const summary = (values) => {
  const sorted = Float64Array.from(values).sort()
  return {
    p50: quantile(sorted, 0.5),
    p90: quantile(sorted, 0.9),
    p99: quantile(sorted, 0.99),
    p999: quantile(sorted, 0.999),
    max: sorted.at(-1) ?? NaN,
  }
}
const parts = Array.from({ length: slices }, () => [])
latencies.forEach((ms, i) => {
  const part = Math.floor(((dues[i] - measuredFrom) / (measuredTo - measuredFrom)) * slices)
  parts[Math.min(slices - 1, Math.max(0, part))].push(ms)
})
const wanted = latencies.length
const good = [200, ...expected].reduce((sum, status) => sum + (statuses[status] ?? 0), 0)
process.stdout.write(
  JSON.stringify({
    wanted,
    answered,
    perSecond: completed / seconds,
    errors: { ...errors, ...(wanted > answered && { 'no answer': wanted - answered }) },
    bad: wanted - good,
    statuses,
    latency: summary(latencies),
    slices: parts.map((part) => summary(part)),
    askedInAll: rate === undefined ? answered : sent,
    processShare: cpuShare,
    // With an open loop the process looks at the clock all the time; what counts is how long it had something to do.
    cpuShare: rate === undefined ? cpuShare : busyShare,
    latenessP99: rate === undefined ? 0 : summary(lateness).p99,
  }),
  () => process.exit(0),
)
