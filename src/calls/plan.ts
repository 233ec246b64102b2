/**
 * What was asked for when a call was placed, kept until the call is answered, followed and, it may be, tried again.
 *
 * @module
 */
import type { CallPurpose } from '../records/consent.js'
import { planKeyOf } from '../storage/attempt-names.js'
import type { CacheStore } from '../storage/coordination.js'

/** How the caller's side and the agent are joined; see the guide on ways to connect. */
export type Via = 'bridge' | 'conversation-relay' | 'register-call' | 'say'

/** What happens when a machine seems to have answered. */
export interface MachineDetection {
  /** Waits for the beep, so that a message can be left. Default `false`: only tells people from machines. */
  readonly waitForBeep?: boolean
  /** What to do with a machine. Default `'hang-up'`. `'message'` needs {@link message} and {@link waitForBeep}. */
  readonly onMachine?: 'hang-up' | 'message' | 'go-on'
  /** What is left after the beep. It must be lawful by itself: see `voicemailMessage` in `callweave/compliance`. */
  readonly message?: string
}

/** A call that somebody wants. Plain JSON, so that it can wait in a store. */
export interface PlaceCallRequest {
  readonly tenantId: string
  /** Who is called. The number is the one in the lead's record: it is what was judged, and no other is dialled. */
  readonly leadId: string
  /** On whose behalf. */
  readonly sellerId: string
  /** Default `'marketing'`, the stricter. */
  readonly purpose?: CallPurpose
  readonly campaignId?: string
  readonly ownerId?: string
  /** Names the attempt: the same request again under the same name is the same call. Default: a new one. */
  readonly attemptId?: string
  /** Why this call goes by another policy than others, and who said so. */
  readonly exemption?: { readonly reason: string; readonly approvedBy: string }
  /** The number that calls, in E.164. Default: one of the pool, the same one for the same lead. */
  readonly from?: string
  readonly via: Via
  /** What the host needs to answer the call with once it is picked up: agent, variables, document. Plain JSON, as the host wants it. */
  readonly answer?: Readonly<Record<string, unknown>>
  /** Whether the call is recorded, on two channels. There is no default: the host has to say, and has to tell the person. */
  readonly recording: 'dual' | 'off'
  /** How long it may ring, in seconds. Default 30; the law wants at least 15 before a sales call is given up. */
  readonly ringSeconds?: number
  /** Longest call, in seconds. Default 3600. */
  readonly maxSeconds?: number
  readonly machineDetection?: MachineDetection
  /** Kept with the call, e.g. `{ testCall: true }`. */
  readonly metadata?: Readonly<Record<string, unknown>>
  /** Which number of try this is, from 1. Set by retries. */
  readonly tryNumber?: number
}

/** A plan is kept this long: longer than any call, shorter than personal data should lie about. */
const PLAN_TTL_MS = 26 * 3_600_000

/** Keeps a plan under its attempt. */
export function keepPlan(store: CacheStore, attemptId: string, plan: PlaceCallRequest): Promise<void> {
  return store.setCached({ tenantId: plan.tenantId, key: planKeyOf(attemptId), value: plan, ttlMs: PLAN_TTL_MS })
}

/** The plan of an attempt; `undefined` once it is too old. */
export async function findPlan(
  store: CacheStore,
  tenantId: string,
  attemptId: string,
): Promise<PlaceCallRequest | undefined> {
  // Only ever written by `keepPlan`.
  return (await store.getCached({ tenantId, key: planKeyOf(attemptId) })) as PlaceCallRequest | undefined
}
