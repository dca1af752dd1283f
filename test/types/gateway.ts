import { defineMesh, startGateway, startMesh } from '../../src/index.ts'

const shop = defineMesh({
  name: 'shop',
  services: { orders: { underTest: true, calls: { payments: {} } }, payments: {} },
})

export async function gateways(): Promise<void> {
  const gateway = await startGateway(shop, {
    ports: { 'orders->payments': 4101 },
    port: 4100,
    token: 'a-token-of-mine-0',
  })
  // @ts-expect-error there is no such edge
  await startGateway(shop, { ports: { 'orders->emails': 4101 } })
  const env: Record<string, string> = gateway.env('orders')
  // @ts-expect-error there is no such service
  gateway.env('order')
  const mesh = await startMesh(shop, { gateway: gateway.url })
  await startMesh(shop, { gateway: false })
  // @ts-expect-error nothing but false keeps a mesh away
  await startMesh(shop, { gateway: true })
  const headers: Record<string, string> = { ...env, ...mesh.headers() }
  const late: number = mesh.fidelity().p99LateMs + Number(headers['late'])
  const warning: string | undefined = (await gateway.close()).warning
  console.log(late, warning)
}
