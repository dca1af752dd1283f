import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { MeshDefinition } from '../../src/index.ts'
import { root } from './pages.ts'
import { createWorkspace, modules, removeWorkspace } from './workspace.ts'

const workspace = createWorkspace('from source')
afterAll(() => removeWorkspace(workspace.folder))

test('the picture in the README is the graph of the shop (vitest -u draws it)', async () => {
  for (const { path, code } of modules()) workspace.write(path, code)
  const { shop } = (await import(/* @vite-ignore */ join(workspace.folder, 'shop.mesh.ts'))) as { shop: MeshDefinition }
  const svg = shop.graph.toSvg({
    services: { payments: 'failed' },
    edges: { 'orders->payments': 'open' },
  })
  await expect(svg).toMatchFileSnapshot(join(root, 'docs', 'images', 'shop.svg'))
})
