import type { MemorySocket } from './memory-socket.ts'

/**
 * Makes a connection look like one over TLS whose certificate was found good. Nothing is encrypted: both ends are in this
 * process, and clients only look.
 */
export function lookSecure(socket: MemorySocket, host: string): void {
  const certificate = () => ({
    subject: { CN: host },
    issuer: { CN: 'Meshwright' },
    subjectaltname: `DNS:${host}`,
  })
  Object.assign(socket, {
    encrypted: true,
    authorized: true,
    authorizationError: null,
    alpnProtocol: false,
    servername: host,
    getProtocol: () => 'TLSv1.3',
    getCipher: () => ({ name: 'TLS_AES_256_GCM_SHA384', standardName: 'TLS_AES_256_GCM_SHA384', version: 'TLSv1.3' }),
    getPeerCertificate: certificate,
    getCertificate: () => ({}),
    getPeerX509Certificate: () => undefined,
    getEphemeralKeyInfo: () => ({}),
    getFinished: () => undefined,
    getPeerFinished: () => undefined,
    getSession: () => undefined,
    getTLSTicket: () => undefined,
    isSessionReused: () => false,
    setServername: () => {},
    setSession: () => {},
    setMaxSendFragment: () => true,
    disableRenegotiation: () => {},
    enableTrace: () => {},
  })
}
