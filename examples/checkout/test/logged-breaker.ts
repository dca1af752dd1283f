import { EventEmitter } from 'node:events'

const states = ['closed', 'open', 'half-open']

/**
 * The circuit breaker of a service in another process, as its log tells of it, in the shape of a breaker of cockatiel:
 * `mesh.observe` takes it, and the matchers read its life from the journal.
 */
export function loggedBreaker(name: string) {
  const events = new EventEmitter()
  let state = 0
  let failures = 0
  let rest = ''
  const on = (event: string) => (listener: (value?: unknown) => void) => {
    events.on(event, listener)
    return { dispose: () => void events.off(event, listener) }
  }
  return {
    get state() {
      return state
    },
    onReset: on('closed'),
    onBreak: on('open'),
    onHalfOpen: on('half-open'),
    toJSON: () => ({ breakerState: failures }),
    /** Takes in a piece of the log. */
    read(text: string) {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        const [, circuit, to, count] = /^circuit (\S+) (\S+) after (\d+) failures$/.exec(line) ?? []
        if (circuit !== name || to === undefined) continue
        state = states.indexOf(to)
        failures = Number(count)
        events.emit(to)
      }
    },
  }
}
