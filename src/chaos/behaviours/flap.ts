import type { FaultBehaviour } from '../fault.ts'
import { outage } from './outage.ts'

export interface FlapOptions {
  /** Milliseconds of service between two breaks. The first phase is up. */
  upMs: number
  downMs: number
}

/** Up, down, up, down: connections are refused during `downMs` of every `upMs + downMs`. */
export const flap = ({ upMs, downMs }: FlapOptions): FaultBehaviour => ({
  ...outage(),
  kind: 'flap',
  closesPort: false,
  options: { upMs, downMs },
  on: (sinceMs) => sinceMs % (upMs + downMs) >= upMs,
})
