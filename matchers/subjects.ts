import type { Subject, SubjectKind, subjectKind } from '../src/journal/subject.ts'

// Playwright offers a matcher only when the received value fits its first parameter, so each kind has its own type.
type Of<K extends SubjectKind> = Subject & { readonly [subjectKind]: K }

/** `mesh.edge('orders->payments')` */
export type EdgeSubject = Of<'edge'>
/** `mesh.service('payments')` */
export type ServiceSubject = Of<'service'>
/** The running mesh. */
export type MeshSubject = Of<'mesh'>

export interface SubjectByKind {
  edge: EdgeSubject
  service: ServiceSubject
  mesh: MeshSubject
}
