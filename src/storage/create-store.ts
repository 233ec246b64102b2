/**
 * The whole store over one driver.
 *
 * @module
 */
import { systemClock, type Clock } from '../core/clock.js'
import type { StoreEngine } from './engine.js'
import { GuardedEngine } from './guard.js'
import { attemptStore } from './roles/attempts.js'
import { callStore } from './roles/calls.js'
import { campaignStore } from './roles/campaigns.js'
import { cacheStore, claimStore, leaseStore, tokenStore } from './roles/coordination.js'
import { auditStore, consentStore, doNotCallStore } from './roles/law.js'
import { maintenanceStore } from './roles/maintenance.js'
import { leadStore, tenantStore } from './roles/people.js'
import { outboxStore, workStore } from './roles/queues.js'
import { recordingStore, transcriptStore } from './roles/recordings.js'
import type { On } from './shelf.js'
import type { Store } from './store.js'

/** Options that every driver takes. */
export interface StoreOptions {
  /**
   * Where the moments in records come from. Default: the machine's clock. What decides between processes (leases, claims, what is due) goes by the
   * database's clock instead, unless the driver is given a clock of its own.
   */
  readonly clock?: Clock
  /**
   * How long the database may take to answer one step, in milliseconds; beyond it the operation rejects with `storage_timeout`. Default 5000.
   */
  readonly operationTimeoutMs?: number
}

/** Gives a driver's engine the face of a store. */
export function createStore(engine: StoreEngine, options: StoreOptions = {}): Store {
  const { clock = systemClock, operationTimeoutMs = 5000 } = options
  if (!(operationTimeoutMs > 0)) throw new RangeError(`operationTimeoutMs must be above 0, got ${operationTimeoutMs}`)
  const on: On = (operation) => new GuardedEngine(engine, { clock, operationTimeoutMs }, operation)
  return {
    ...callStore(on, clock),
    ...attemptStore(on, clock),
    ...consentStore(on),
    ...doNotCallStore(on),
    ...auditStore(on),
    ...leadStore(on, clock),
    ...tenantStore(on, clock),
    ...recordingStore(on, clock),
    ...transcriptStore(on, clock),
    ...campaignStore(on, clock),
    ...claimStore(on),
    ...leaseStore(on),
    ...tokenStore(on),
    ...cacheStore(on),
    ...workStore(on),
    ...outboxStore(on, clock),
    ...maintenanceStore(on, clock),
  }
}
