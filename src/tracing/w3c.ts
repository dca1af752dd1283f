// The codec is about what stands on a call and is read by verdicts too, so it lives in the model; this is its door here.
export {
  extract,
  formatTraceparent,
  headerLine,
  inject,
  parseTraceparent,
  parseTracestate,
  type Extracted,
  type TraceContext,
  type TraceFlags,
} from '../call/trace-context.ts'
