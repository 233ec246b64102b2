/**
 * Whose number was called.
 *
 * @module
 */
import type { Logger } from '../core/logger.js'
import type { TenantStore } from '../storage/store.js'

/** What an answer needs to know of a tenant. A tenant's record of the store fits. */
export interface AnsweringTenant {
  readonly tenantId: string
  readonly name?: string | null | undefined
  readonly settings?: {
    /** The agent that answers for it. Default: the configured one. */
    readonly elevenLabsAgentId?: string | null | undefined
    /** What the agent says first. The agent has to allow that override. */
    readonly aiGreeting?: string | null | undefined
    readonly aiTone?: string | null | undefined
    /** By day of the week in English, lower case. */
    readonly businessHours?: Readonly<Record<string, { readonly open: string; readonly close: string; readonly enabled: boolean }>> // prettier-ignore
    /** IANA name. */
    readonly timeZone?: string | null | undefined
  }
}

/** Finds the tenant by the number that was called. `undefined`: nobody has it. */
export type FindTenant = (calledNumber: string) => AnsweringTenant | undefined | Promise<AnsweringTenant | undefined>

/** Tenants that are remembered for the time when they cannot be looked up. */
const MAX_REMEMBERED = 10_000

/** What a look-up came to. */
export type TenantFound =
  /** `tenant` is `undefined` where everything belongs to one. */
  | { readonly tenantId: string; readonly tenant: AnsweringTenant | undefined }
  | { readonly problem: 'tenantNotFound' | 'connectionError' }

/** Looks tenants up, and answers from memory when that fails: a caller is waiting. */
export class Tenants {
  /** The tenant of everything that names none. */
  readonly defaultTenantId: string
  readonly #find: FindTenant | undefined
  readonly #logger: Logger
  readonly #remembered = new Map<string, AnsweringTenant>()

  constructor(options: {
    readonly tenants: 'one' | 'store' | FindTenant
    readonly defaultTenantId: string
    readonly store: Pick<TenantStore, 'findTenantByNumber'>
    readonly logger: Logger
  }) {
    const { tenants, store } = options
    this.defaultTenantId = options.defaultTenantId
    this.#logger = options.logger
    this.#find =
      tenants === 'one'
        ? undefined
        : tenants === 'store'
          ? (phoneNumber) => store.findTenantByNumber({ phoneNumber })
          : tenants
  }

  async find(calledNumber: string): Promise<TenantFound> {
    if (!this.#find) return { tenantId: this.defaultTenantId, tenant: undefined }
    try {
      const tenant = await this.#find(calledNumber)
      if (!tenant) return { problem: 'tenantNotFound' }
      this.#remembered.delete(calledNumber)
      this.#remembered.set(calledNumber, tenant)
      for (const oldest of this.#remembered.keys()) {
        if (this.#remembered.size <= MAX_REMEMBERED) break
        this.#remembered.delete(oldest)
      }
      return { tenantId: tenant.tenantId, tenant }
    } catch (error) {
      this.#logger.error('A tenant could not be looked up', { error })
      const tenant = this.#remembered.get(calledNumber)
      return tenant ? { tenantId: tenant.tenantId, tenant } : { problem: 'connectionError' }
    }
  }
}
