/** Names of this machine that a service under test reaches without its proxy. */
const loopback = ['127.0.0.1', 'localhost', '::1']

export interface Surroundings {
  readonly service: string
  /** The addresses of its callees. */
  readonly addresses: readonly { readonly callee: string; readonly url: string }[]
  readonly proxy:
    | {
        readonly url: string
        /** The file of the certificate that the mesh's hosts are vouched for with. */
        readonly authority: string
        /** The hosts of the mesh. */
        readonly hosts: readonly string[]
      }
    | undefined
}

/**
 * What a service under test is spawned with, so that it reaches the mesh: an address for each callee, and its proxy in the
 * variables that HTTP clients of all languages read. Each of those has several spellings: curl, for one, takes no upper-case
 * HTTP_PROXY, because a CGI script's could come from a request.
 */
export function environmentOf({ service, addresses, proxy }: Surroundings): Record<string, string> {
  const env: Record<string, string> = { MESHWRIGHT_SERVICE: service }
  for (const { callee, url } of addresses) {
    const name = callee.toUpperCase().replace(/[^A-Z0-9]+/g, '_')
    env[`${name}_URL`] = url
    // Clients of databases and the like mostly take them apart.
    if (url.startsWith('tcp:')) [env[`${name}_HOST`], env[`${name}_PORT`]] = [new URL(url).hostname, new URL(url).port]
  }
  if (!proxy) return env
  // A service of the mesh at one of these names has to be reached through the proxy; it passes on what is not the mesh's.
  const direct = loopback.filter((name) => !proxy.hosts.includes(name.includes(':') ? `[${name}]` : name)).join(',')
  for (const name of ['HTTP_PROXY', 'HTTPS_PROXY']) env[name] = env[name.toLowerCase()] = proxy.url
  env['NO_PROXY'] = env['no_proxy'] = direct
  // Node heeds all this from 24.5 on, if it is told to.
  env['NODE_USE_ENV_PROXY'] = '1'
  for (const name of authorityNames) env[name] = proxy.authority
  return env
}

const authorityNames = [
  'NODE_EXTRA_CA_CERTS',
  // OpenSSL, and with it Python, Ruby and PHP; Go; Rust's native certificates.
  'SSL_CERT_FILE',
  'REQUESTS_CA_BUNDLE',
  'CURL_CA_BUNDLE',
  'MESHWRIGHT_CA_FILE',
]
