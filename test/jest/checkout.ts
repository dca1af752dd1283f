// The code under test. It knows nothing of meshes.

export interface Receipt {
  status: number
  orderId: string
  state: string
}

export async function checkout(itemId: string, quantity: number): Promise<Receipt> {
  const response = await fetch('https://orders.shop.test/orders', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ itemId, quantity }),
  })
  const { orderId, status: state } = (await response.json()) as { orderId: string; status: string }
  return { status: response.status, orderId, state }
}

export async function checkoutEverySecondFor(ms: number): Promise<Receipt[]> {
  const receipts: Receipt[] = []
  for (const end = Date.now() + ms; Date.now() < end;) {
    receipts.push(await checkout('XYZ123', 1))
    await new Promise((resolve) => setTimeout(resolve, 1_000))
  }
  return receipts
}
