// OpenTelemetry for this service, without a line of it in the service's own code:
//
//   node --import ./telemetry.mjs server.mjs
//
// OTEL_PROPAGATORS=none is OpenTelemetry's own switch for "take no trace context in and pass none on".
import { createRequire } from 'node:module'
import { context, propagation, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http'
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici'
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base'

const provider = new BasicTracerProvider()
trace.setGlobalTracerProvider(provider)
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
if (process.env.OTEL_PROPAGATORS !== 'none') propagation.setGlobalPropagator(new W3CTraceContextPropagator())

// Requests that come in (node:http), and those that go out through fetch.
for (const instrumentation of [new HttpInstrumentation(), new UndiciInstrumentation()])
  instrumentation.setTracerProvider(provider)
// The first one waits for `require`, which `import` of a built-in module does not pass.
createRequire(import.meta.url)('node:http')
