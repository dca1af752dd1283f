import { handleAll, retry, timeout, TimeoutStrategy, wrap } from 'cockatiel'

/**
 * The client of the catalog. Reading twice harms nobody, so a failed try is made again at once, twice at most.
 *
 * @param {{ url: string, timeoutMs?: number }} options
 */
export function createCatalog({ url, timeoutMs = 1_000 }) {
  const policy = wrap(retry(handleAll, { maxAttempts: 2 }), timeout(timeoutMs, TimeoutStrategy.Aggressive))
  return {
    /**
     * @param {string} id
     * @returns {Promise<{ price: number, stock: number } | undefined>} Undefined when there is no such item.
     */
    item: (id) =>
      policy.execute(async ({ signal }) => {
        const response = await fetch(`${url}/items/${encodeURIComponent(id)}`, { signal })
        if (response.status === 404) return undefined
        if (!response.ok) throw new Error(`catalog answered ${response.status}`)
        return /** @type {Promise<{ price: number, stock: number }>} */ (response.json())
      }),
  }
}
