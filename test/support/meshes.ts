import { afterEach } from 'vitest'
import { startMesh } from '../../src/index.ts'
import type { Mesh, MeshDefinition, MeshShape, StartOptions } from '../../src/index.ts'

/** Starts meshes that are stopped when the test ends. */
export function meshes() {
  const running: Mesh[] = []
  afterEach(async () => {
    await Promise.all(running.splice(0).map((mesh) => mesh.stop()))
  })
  return async <S extends MeshShape>(definition: MeshDefinition<S>, options: StartOptions = {}): Promise<Mesh<S>> => {
    const mesh = await startMesh(definition, { seed: 7, ...options })
    running.push(mesh as unknown as Mesh)
    return mesh
  }
}
