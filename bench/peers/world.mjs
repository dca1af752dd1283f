/**
 * What all servers are told to be, in words that each translates into its own:
 *
 *   { services: [{ name, stubs: [{ path, body } | { path, body, delayMs } | { path, echo: true }] }] }
 *
 * Each service has an address of its own; where a peer has one address for all, paths tell the services apart, so that
 * requests are the same for everybody. A stub with `echo` stands at `/prefix/:id` and answers `{"id":"<id>"}`.
 */

export const body = '{"ok":true}'

export const serviceNames = (count) => Array.from({ length: count }, (_, i) => `s${i}`)

/** One service with as many stubs. `isMissed`: what is asked for is none of them. */
export const stubsWorld = (count, isMissed = false) => ({
  isMissed,
  services: [{ name: 's0', stubs: Array.from({ length: count }, (_, i) => ({ path: `/things/t${i}`, body })) }],
})

/** As many services, one stub each, with paths that differ. */
export const servicesWorld = (count) => ({
  services: serviceNames(count).map((name) => ({ name, stubs: [{ path: `/${name}/work`, body }] })),
})

export const echoWorld = { services: [{ name: 's0', stubs: [{ path: '/items/:id', echo: true }] }] }

export const slowWorld = (delayMs) => ({ services: [{ name: 's0', stubs: [{ path: '/slow', body, delayMs }] }] })

/** Everything of all services, for peers that know one set of stubs only. */
export const allStubs = ({ services }) => services.flatMap(({ stubs }) => stubs)

/** `/items/:id` as a regular expression. */
export const patternOf = (path) => path.replace(/:\w+/g, '([^/]+)')
