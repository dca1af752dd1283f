import type { EdgeOptions, MeshOptions, ServiceOptions } from './options.ts'

/**
 * What the types know of a mesh: for each service the names of the services it calls.
 * `{ storefront: 'orders'; orders: 'catalog' | 'payments'; catalog: never; payments: never }`
 */
export interface MeshShape {
  readonly [service: string]: string
}

/** The names of the services of a mesh: `'storefront' | 'orders' | ...`, or `string` when they are not known as literals. */
export type ServiceName<S extends MeshShape = MeshShape> = keyof S & string

/** The names of the edges of a mesh: `'storefront->orders' | 'orders->payments' | ...`. */
export type EdgeName<S extends MeshShape = MeshShape> = string extends keyof S
  ? string
  : { [K in keyof S & string]: `${K}->${S[K]}` }[keyof S & string]

/** Where a callee is no service of the mesh, its options have this type, so that the compiler's message names the mistake. */
export type NoSuchService<Name> = `No service "${Name & string}" in this mesh`

/** {@link ServiceOptions} whose `calls` may only name services in `Known`. */
export interface ServiceDeclaration<Callees, Known> extends Omit<ServiceOptions, 'calls'> {
  /** The calls this service may make, by callee. */
  calls?: { readonly [Callee in keyof Callees]: Callee extends Known ? EdgeOptions : NoSuchService<Callee> }
}

/**
 * The services as written by the user. `Calls` is inferred backwards through these mapped types, from the keys alone; the
 * options keep their declared types, so editors complete them and the compiler refuses misspelt ones.
 */
export type ServiceDeclarations<Calls, Known = keyof Calls> = {
  readonly [Name in keyof Calls]: ServiceDeclaration<Calls[Name], Known>
}

/** What `defineMesh` takes. */
export interface MeshDeclaration<Calls> extends Omit<MeshOptions, 'services'> {
  services: ServiceDeclarations<Calls>
}

/** What `definition.with` takes; its services may call those of the definition, `Known`. */
export interface MeshChanges<Calls, Known> extends Partial<Omit<MeshOptions, 'services'>> {
  services?: ServiceDeclarations<Calls, Known | keyof Calls>
}

/** The shape of a mesh whose services were inferred as `Calls`. */
export type ShapeOf<Calls> = { readonly [Name in keyof Calls & string]: keyof Calls[Name] & string }

/** The shape of a derived mesh: all services of both, each with the callees of both. */
export type MergedShape<S extends MeshShape, Calls> = {
  readonly [Name in (keyof S | keyof Calls) & string]:
    (Name extends keyof S ? S[Name] : never) | (Name extends keyof Calls ? keyof Calls[Name] & string : never)
}
