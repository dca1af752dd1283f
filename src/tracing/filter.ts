import type { Call, HeaderList } from '../call/call.ts'
import type { Filter, Next } from '../call/filter.ts'
import { failed, type Reply } from '../call/reply.ts'
import type { Tracing } from './tracer.ts'

/**
 * The caller's side of an edge, once per attempt: stands innermost, below retry and time-out. With `underTest` the call
 * passes as it is. A call that the test itself makes for a service (`mesh.call`) is the exception: the mesh plays that
 * service and so makes its CLIENT span.
 */
export function clientTracing(tracing: Tracing, { underTest = false }: { underTest?: boolean } = {}): Filter {
  return (call, next) => {
    const span = tracing.clientSpan(call, { underTest: underTest && call.origin !== 'driver' })
    return ending(span, () => next(span.call))
  }
}

/**
 * Answers a call inside its SERVER span. The call comes as it stood on the wire, so that a handler sees what was really
 * sent; what it has to send on is in `traceHeaders`, to be put where outgoing calls find it (`scope.trace`). `setRoute`
 * names the span after the handler's route.
 */
export type TracedAnswer = (
  call: Call,
  traceHeaders: () => HeaderList,
  setRoute: (route: string) => void,
) => Promise<Reply>

/** The callee's side of an edge, around everything that the chosen instance does. */
export function serverTracing(tracing: Tracing, { instance }: { instance: string }, answer: TracedAnswer): Next {
  return (call) => {
    const span = tracing.serverSpan(call, instance)
    return ending(span, () => answer(call, span.traceHeaders, span.setRoute))
  }
}

/** Ends the span with the reply; a mistake of the test's author, which is thrown, ends it too. */
async function ending(span: { end(reply: Reply): void }, run: () => Promise<Reply>): Promise<Reply> {
  try {
    const reply = await run()
    span.end(reply)
    return reply
  } catch (error) {
    span.end(failed('handler-failed'))
    throw error
  }
}
