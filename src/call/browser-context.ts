/** The part of Playwright's `Request` that is used here. Structural, so that nothing here needs a browser or its types. */
export interface BrowserRequest {
  method(): string
  url(): string
  headersArray(): Promise<{ name: string; value: string }[]>
  postDataBuffer(): Buffer | null
  isNavigationRequest(): boolean
  /** Throws for the first request of a page that is just being opened, and for one of a service worker. */
  frame(): { page(): BrowserPage }
}

export interface BrowserPage {
  on(event: 'close', listener: () => void): unknown
  off(event: 'close', listener: () => void): unknown
}

export interface BrowserRoute {
  request(): BrowserRequest
  fulfill(response: { status: number; headers: Record<string, string>; body: Buffer }): Promise<void>
  abort(errorCode?: string): Promise<void>
  fallback(): Promise<void>
}

/** The part of Playwright's `BrowserContext` that is used here. */
export interface BrowserContextLike {
  route(url: RegExp, handler: (route: BrowserRoute) => Promise<void>): Promise<unknown>
  unroute(url: RegExp, handler: (route: BrowserRoute) => Promise<void>): Promise<void>
  on(event: 'requestfailed' | 'close', listener: (request: unknown) => void): unknown
  off(event: 'requestfailed' | 'close', listener: (request: unknown) => void): unknown
}
