export { clientTracing, serverTracing, type TracedAnswer } from './filter.ts'
export { createTracing, type ClientSpan, type ServerSpan, type Tracing, type TracingOptions } from './tracer.ts'
export {
  spansOf,
  toWaterfallHtml,
  toWaterfallText,
  type ErrorRole,
  type SpanEntry,
  type SpanNode,
  type TraceTree,
  type WaterfallLimits,
} from './waterfall.ts'
export {
  extract,
  formatTraceparent,
  inject,
  parseTraceparent,
  parseTracestate,
  type Extracted,
  type TraceContext,
  type TraceFlags,
} from './w3c.ts'
