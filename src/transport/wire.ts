/** How one kind of connection does what a network does. */
export interface Wire {
  /** As if nothing had listened. HTTP/2: RST_STREAM with REFUSED_STREAM. */
  refuse(): void
  /** RST. HTTP/2: RST_STREAM with INTERNAL_ERROR. */
  reset(): void
  /** FIN, after all that has been written. HTTP/2: RST_STREAM with CANCEL. */
  close(): void
  /** Sends these very bytes, past all framing. Absent where everything is framed (HTTP/2): then there is a reset instead. */
  raw?(bytes: Uint8Array | string): void
  /** HTTP/2's GOAWAY. Absent in HTTP/1.1, which has only a FIN to say it. */
  goAway?(): void
}

/** Told while bytes travel, so that a virtual clock can stand still meanwhile. */
export interface Travel {
  begins(): void
  /** Resolves when the client had its chance to read. */
  ends(): Promise<void>
}
