/**
 * What a case is given, and what the cases are made of.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { ManualClock, type Clock } from '../../core/clock.js'
import type { CallAttempt } from '../../records/call-attempt.js'
import type { NewCall } from '../../records/call.js'
import type { Store, Unstamped } from '../store.js'

/**
 * Opens the store under test. Called several times by one case, for several processes over the same data. A `clock` has to be where all
 * time in the store comes from, the driver's decisions included; without it, the store is as it would be in life.
 */
export type MakeStore = (options: { readonly clock?: Clock }) => Store | Promise<Store>

/** One promise of the contract. */
export interface ConformanceCase {
  readonly name: string
  /** Rejects when the store does not keep the promise. Needs no runner and no empty database: every case makes tenants of its own. */
  readonly run: (makeStore: MakeStore) => Promise<void>
}

/** A case with a store, a clock that stands still, and two tenants that nobody else has. */
export interface Scene {
  readonly store: Store
  readonly clock: ManualClock
  readonly tenantId: string
  readonly otherTenantId: string
  /** Another process over the same data. */
  readonly another: () => Promise<Store>
}

/** Makes a case of a scene. */
export function scene(name: string, play: (scene: Scene) => Promise<void>): ConformanceCase {
  return {
    name,
    async run(makeStore) {
      const clock = new ManualClock()
      const store = await makeStore({ clock })
      const [tenantId, otherTenantId] = [`t-${randomUUID()}`, `t-${randomUUID()}`]
      await play({ store, clock, tenantId, otherTenantId, another: async () => makeStore({ clock }) })
    },
  }
}

/** A number that no other case uses. */
export function someNumber(): string {
  return `+1${2_000_000_000 + Math.floor(Math.random() * 7_999_999_999)}`
}

/** A call's record as the cases need it. */
export function someCall(tenantId: string, given: Partial<Unstamped<NewCall>> = {}): Unstamped<NewCall> {
  const ends = { direction: 'outbound', from: '+15550001111', to: '+15550002222' } as const
  return { tenantId, callSid: `CA${randomUUID().replaceAll('-', '')}`, ...ends, callStatus: 'queued', ...given }
}

/** An attempt as the cases need it. */
export function someAttempt(
  tenantId: string,
  phoneNumber: string,
  attemptedAt: number,
  given: Partial<CallAttempt> = {},
): CallAttempt {
  return {
    tenantId,
    attemptId: randomUUID(),
    phoneNumber,
    leadId: null,
    campaignId: null,
    decisionId: null,
    attemptedAt,
    state: 'reserved',
    callSid: null,
    disposition: null,
    ...given,
  }
}

/** Runs `count` of the same at once. */
export function atOnce<T>(count: number, act: (position: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, position) => act(position)))
}

/** How many of each outcome there are. */
export function tally(outcomes: readonly { readonly outcome: string }[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { outcome } of outcomes) counts[outcome] = (counts[outcome] ?? 0) + 1
  return counts
}

/** @throws when the value is missing. */
export function present<T>(value: T | undefined, what: string): T {
  assert.ok(value !== undefined, `${what} is missing`)
  return value
}

/** The code of the error that `act` rejects with. */
export async function codeOf(act: () => Promise<unknown>): Promise<unknown> {
  try {
    await act()
  } catch (error) {
    return (error as { code?: unknown }).code ?? error
  }
  return 'nothing was thrown'
}
