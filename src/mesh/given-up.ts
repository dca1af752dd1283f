import type { Filter } from '../call/filter.ts'
import { failed } from '../call/reply.ts'
import { discard } from '../resilience/discard.ts'
import type { OpenCalls } from './open-calls.ts'

/** Promise jobs in which everything else that ends because of the same abort has surely ended. */
const jobsToSettle = 40

/**
 * Ends a try when its caller gives up: by a time-out of the mesh, by one of its own, or by going away. What is under way
 * beyond this point goes on, as it would in a network: a delayed request still arrives, and a service still does its work.
 * `settled` waits for it. A try that got no answer because of a fault keeps that fault's outcome.
 */
export const untilGivenUp =
  (open: OpenCalls): Filter =>
  async (call, next) => {
    // Gone before anything was sent: nothing is under way.
    if (call.signal.aborted) return leftAlone()
    return new Promise((resolve, reject) => {
      const work = next(call)
      let isOver = false
      const giveUp = async () => {
        const done = open.add(call, 'its caller gave up')
        const forget = () => done()
        work.then(forget, forget)
        for (let job = 0; job < jobsToSettle && !isOver; job++) await undefined
        if (isOver) return
        isOver = true
        resolve(leftAlone())
        work.then(discard, () => {})
      }
      work.then(
        (reply) => {
          call.signal.removeEventListener('abort', giveUp)
          isOver = true
          resolve(reply)
        },
        (error: unknown) => {
          call.signal.removeEventListener('abort', giveUp)
          isOver = true
          reject(error)
        },
      )
      call.signal.addEventListener('abort', giveUp, { once: true })
    })
  }

const leftAlone = () => failed('aborted', { message: 'the caller gave up' })
