import { edgeName } from '../call/call.ts'
import { MeshError } from '../errors.ts'
import { describeValue } from '../nearest.ts'
import { Addresses } from './addresses.ts'
import type { Engine } from './engine.ts'
import { environmentOf } from './environment.ts'
import type { Authority, Member, Ports } from './ports.ts'
import { checkProtocol, withProtocol } from './protocol.ts'
import type { UrlProtocol } from './protocol.ts'

/** Stands for the callee of a proxy, which leads to all of them. */
const everyService = '*'

/** What a new listener leads from and to; without `to`, the proxy of a service. */
export interface ListenOptions {
  readonly from: string
  readonly to?: string
  readonly port?: number
  readonly protocol?: UrlProtocol
}

/** How programs outside this process reach a mesh: an address for each edge, a proxy for each caller, and what vouches for them. */
export class Reach {
  readonly #engine: Engine
  readonly #ports: Ports
  readonly #addresses: Addresses
  readonly #proxies: Addresses
  #authority: Authority | undefined
  #member: Member | undefined

  constructor(engine: Engine, ports: Ports) {
    const { door, definition, journal } = engine
    this.#engine = engine
    this.#ports = ports
    this.#addresses = new Addresses((edge) => ports.listen(door, edge))
    this.#proxies = new Addresses(({ caller, port }) =>
      ports.proxy(door, {
        caller,
        ...(port !== undefined && { port }),
        unknownHosts: definition.unknownHosts,
        refused: ({ host, port: wanted }) => journal.record('proxy.refused', { caller, host, port: wanted }),
      }),
    )
  }

  /** Opens what services under test need from the start. */
  async up({ listen, proxy }: { listen: boolean; proxy: boolean }): Promise<void> {
    const { fabric } = this.#engine
    const edges = listen ? this.#engine.facts().edges.filter(({ callerUnderTest }) => callerUnderTest) : []
    const callers = proxy ? [...fabric.services.filter((name) => fabric.isUnderTest(name)), fabric.defaultCaller] : []
    await Promise.all([
      ...edges.map(({ caller, callee }) => this.#addresses.open(caller, callee)),
      ...[...new Set(callers)].map((caller) => this.#openProxy(caller)),
    ])
    const portOf = (edge: string) => Number(new URL(this.#addresses.find(edge)!).port)
    const listening = edges.map(({ caller, callee }) => edgeName(caller, callee))
    this.#member = await this.#ports.join(Object.fromEntries(listening.map((edge) => [edge, portOf(edge)])), (error) =>
      this.#engine.problem(error),
    )
  }

  url(service: string, options: { from?: string; protocol?: UrlProtocol }): string {
    const { fabric } = this.#engine
    if (typeof options !== 'object' || options === null)
      throw new MeshError(
        'MESH_INVALID_OPTION',
        `mesh.url: expected an object of options, got ${describeValue(options)}`,
        {
          fix: `Write mesh.url('${service}', { from: '${this.#defaultCaller}' }).`,
        },
      )
    const { from = this.#defaultCaller, protocol } = options
    fabric.service(service)
    const edge = fabric.edge(edgeName(from, service)).name
    const url = this.#addresses.find(edge)
    if (url !== undefined) {
      fabric.edge(edge).addressed = true
      return withProtocol('mesh.url', url, protocol)
    }
    const why = fabric.isUnderTest(from) ? '' : `, because "${from}" is not under test`
    throw new MeshError('MESH_UNSUPPORTED', `mesh.url: no listener is open for ${edge}${why}`, {
      fix: `Open one first: await mesh.listen({ from: '${from}', to: '${service}' }).`,
    })
  }

  env(service: string): Record<string, string> {
    const { fabric, definition, door } = this.#engine
    fabric.service(service)
    this.#tellAddresses(service)
    const url = this.#proxies.find(edgeName(service, everyService))
    const isOpen = definition.unknownHosts === 'passthrough'
    const hosts = door.origins().map((origin) => new URL(origin).hostname)
    const authority = this.#authority && { authority: this.#trustFile(this.#authority, isOpen) }
    const proxy = url && authority ? { url, ...authority, hosts } : undefined
    return environmentOf({ service, addresses: this.#addresses.of(service), proxy })
  }

  proxy(service = this.#defaultCaller): string {
    const url = this.#proxies.find(edgeName(service, everyService))
    if (url !== undefined) {
      this.#tellAddresses(service)
      return url
    }
    this.#expectCaller(service)
    throw new MeshError('MESH_UNSUPPORTED', `mesh.proxy: no proxy is open for "${service}"`, {
      fix: `Open one first: await mesh.listen({ from: '${service}' }).`,
    })
  }

  get authority(): { certificate: string; file: string } {
    if (this.#authority) return { certificate: this.#authority.certificate, file: this.#trustFile(this.#authority) }
    throw new MeshError('MESH_UNSUPPORTED', 'mesh.authority: no proxy is open, so there is no certificate yet', {
      fix: `Open one first: await mesh.listen({ from: '${this.#defaultCaller}' }).`,
    })
  }

  async listen(options: ListenOptions): Promise<string> {
    if (typeof options !== 'object' || options === null)
      throw new MeshError(
        'MESH_INVALID_OPTION',
        `mesh.listen: expected an object of options, got ${describeValue(options)}`,
        { fix: `Write mesh.listen({ from: '${this.#defaultCaller}', to: '...' }).` },
      )
    const { from, to, port, protocol } = options
    checkProtocol('mesh.listen', protocol)
    if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port <= 65535))
      throw new MeshError(
        'MESH_INVALID_OPTION',
        `mesh.listen: expected \`port\` to be an integer from 0 to 65535, got ${describeValue(port)}`,
      )
    if (to === undefined) this.#expectCaller(from)
    else this.#engine.fabric.edge(edgeName(from, to))
    const url = await (to === undefined ? this.#openProxy(from, port) : this.#addresses.open(from, to, port))
    if (protocol === 'https' && !this.#engine.stopped) this.#authority ??= await this.#ports.authority()
    this.#tellAddresses(from, to)
    return withProtocol('mesh.listen', url, protocol)
  }

  headers(): Record<string, string> {
    return this.#member!.headers()
  }

  /** Closes what leads from or to services and along edges that are there no more. */
  closeLost(): void {
    const { fabric } = this.#engine
    this.#addresses.closeWithout((edge) => fabric.findEdge(edge) !== undefined)
    this.#proxies.closeWithout((_, caller) => !fabric.wasRemoved(caller))
  }

  /** Tells the gateway to send nothing more. */
  async leave(): Promise<void> {
    await this.#member?.leave()
  }

  async close(): Promise<void> {
    await Promise.all([this.#addresses.closeAll(), this.#proxies.closeAll()])
    this.#ports.releaseTrust(this.#engine.door)
  }

  get #defaultCaller(): string {
    return this.#engine.fabric.defaultCaller
  }

  /** The test itself may call, too, when no service is under test. */
  #expectCaller(service: string): void {
    if (service !== this.#defaultCaller) this.#engine.fabric.service(service)
  }

  /** From now on other processes may call along these edges. */
  #tellAddresses(caller: string, callee?: string): void {
    for (const edge of this.#engine.facts().edges) {
      if (edge.caller !== caller || (callee !== undefined && edge.callee !== callee)) continue
      const runtime = this.#engine.fabric.findEdge(edge.name)
      if (runtime) runtime.addressed = true
    }
  }

  #trustFile({ certificate }: Authority, world = false): string {
    return this.#ports.trustFile(this.#engine.door, certificate, { world })
  }

  async #openProxy(caller: string, port?: number): Promise<string> {
    const [url, opened] = await Promise.all([this.#proxies.open(caller, everyService, port), this.#ports.authority()])
    this.#authority = opened
    return url
  }
}
