/** What travels over a WebSocket: a text message, or a binary one. */
export type SocketData = string | Uint8Array

/** What a holder of an open WebSocket is told. */
export interface SocketListener {
  message(data: SocketData): void
  /** Once, whoever ended it. 1005: closed without a code. 1006: no close frame came, the connection just ended. */
  closed(code: number, reason: string): void
}

/** One end of an open WebSocket, as the transport that holds the connection hands it in. */
export interface PeerSocket {
  /** The subprotocol that was agreed on; empty without one. */
  readonly protocol: string
  /** Bytes that were sent and wait for the network. */
  readonly bufferedBytes: number
  /** `sent` is called when the network has taken it. Nothing happens on a socket that is closing. */
  send(data: SocketData, sent?: () => void): void
  /**
   * Begins the closing handshake.
   *
   * @throws for a code that may not be sent (1005, 1006) or is none.
   */
  close(code?: number, reason?: string): void
  /** RST: the other end sees 1006. */
  reset(): void
  /** Reads no more messages until `resume`. */
  pause(): void
  resume(): void
  /** To be called once, in the tick in which the socket is handed over: messages are not kept. */
  listen(listener: SocketListener): void
}

/** What becomes of a connection whose handshake was answered with 101. */
export interface Upgrade {
  /** The connection is open. */
  open(peer: PeerSocket): void
  /** Nobody will open it: the client went away, or the answer was thrown away. */
  discard(): void
}
