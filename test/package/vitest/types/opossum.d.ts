// opossum brings no types of its own.
declare module 'opossum' {
  export default class CircuitBreaker {
    constructor(action: () => Promise<unknown>, options?: Record<string, unknown>)
    fire(): Promise<unknown>
    shutdown(): void
  }
}
