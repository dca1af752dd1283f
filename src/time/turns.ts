import { turn } from './natives.ts'

/** Lets the event loop turn, for real. */
export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await turn()
}
