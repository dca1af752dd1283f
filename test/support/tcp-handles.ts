interface Handle {
  readonly type: string
  readonly is_active: boolean
  readonly remoteEndpoint?: object | null
}

const handles = () =>
  (process.report.getReport() as unknown as { libuv: Handle[] }).libuv.filter(
    (one) => one.type === 'tcp' && one.is_active,
  )

/** How many sockets and servers of this process are open, those included that would not keep it alive. */
export const tcpHandles = (): number => handles().length

/** How many of them are servers. */
export const tcpServers = (): number => handles().filter(({ remoteEndpoint }) => !remoteEndpoint).length
