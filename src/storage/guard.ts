/**
 * What stands around every step of a driver: checked keys, a time limit, errors that say which operation failed, and a repeat where it is safe.
 *
 * @module
 */
import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../core/clock.js'
import { StorageError } from '../core/errors.js'
import type {
  CappedAdd,
  Cell,
  CellSwap,
  CellSwapped,
  EventRow,
  Row,
  RowPageQuery,
  RowQuery,
  RowWrite,
  StoreEngine,
  TakeQuery,
} from './engine.js'
import { storableJson } from './json.js'
import type { CellKind, RowKind } from './kinds.js'

/** The most bytes of an id or a key, as UTF-8: what fits into an index of every database. */
const MAX_KEY_BYTES = 512

const CONTROL = /[\0-\x1f\x7f-\x9f]|\p{Surrogate}/u

/** How the guard is set up. */
export interface GuardOptions {
  readonly clock: Clock
  readonly operationTimeoutMs: number
}

/** The steps of a driver, called on behalf of one operation. */
export class GuardedEngine {
  readonly #engine: StoreEngine
  readonly #options: GuardOptions
  readonly #operation: string

  constructor(engine: StoreEngine, options: GuardOptions, operation: string) {
    this.#engine = engine
    this.#options = options
    this.#operation = operation
  }

  migrate(): Promise<void> {
    // No limit: an index over many rows takes as long as it takes, and another process may be at it.
    return this.#explained(() => this.#engine.migrate(), true)
  }

  async get(kind: RowKind, tenantId: string, id: string): Promise<Row | undefined> {
    this.#checkKeys(tenantId, id)
    return this.#read(() => this.#engine.get(kind, tenantId, id))
  }

  async list(kind: RowKind, tenantId: string, query: RowPageQuery): Promise<readonly Row[]> {
    this.#checkKeys(tenantId, query.index?.value)
    return this.#read(() => this.#engine.list(kind, tenantId, query))
  }

  async count(kind: RowKind, tenantId: string, query: RowQuery): Promise<number> {
    this.#checkKeys(tenantId, query.index?.value)
    return this.#read(() => this.#engine.count(kind, tenantId, query))
  }

  /** Writes; when the answer is lost, writes again and looks whether what stands is what the first try wrote. */
  async write(given: RowWrite): Promise<'written' | 'conflict'> {
    this.#checkKeys(given.tenantId, given.id, ...Object.values(given.put?.keys ?? {}))
    this.#checkKeys(...(given.events ?? []).map(({ id }) => id))
    const write = {
      ...given,
      ...(given.put && { put: { ...given.put, record: storableJson(given.put.record) } }),
      ...(given.events && { events: given.events.map((event) => ({ ...event, record: storableJson(event.record) })) }),
    }
    const { outcome, isRepeat } = await this.#repeated(() => this.#engine.write(write))
    if (outcome === 'written' || !isRepeat) return outcome
    const row = await this.get(write.kind, write.tenantId, write.id)
    const version = write.when === 'absent' ? 1 : write.when + 1
    const isOurs = write.put
      ? row?.version === version && isDeepStrictEqual(row.record, write.put.record)
      : row === undefined
    return isOurs ? 'written' : 'conflict'
  }

  async addCapped(add: CappedAdd): ReturnType<StoreEngine['addCapped']> {
    this.#checkKeys(add.tenantId, add.id, add.counted.value, ...Object.values(add.keys))
    const record = storableJson(add.record)
    return (await this.#repeated(() => this.#engine.addCapped({ ...add, record }))).outcome
  }

  async take(kind: RowKind, queue: string, query: TakeQuery): Promise<readonly Row[]> {
    this.#checkKeys(query.tenantId, queue)
    checkTake(query)
    return this.#once(() => this.#engine.take(kind, queue, query))
  }

  async getCell(kind: CellKind, tenantId: string, id: string): Promise<Cell | undefined> {
    this.#checkKeys(tenantId, id)
    return this.#read(() => this.#engine.getCell(kind, tenantId, id))
  }

  /** Swaps. With `'held-by-other'` a repeat would find its own first try, so there is none. */
  async swapCell(given: CellSwap): Promise<CellSwapped> {
    this.#checkKeys(given.tenantId, given.id)
    const { put } = given
    const swap = put.record === undefined ? given : { ...given, put: { ...put, record: storableJson(put.record) } }
    if (given.when === 'held-by-other') return this.#once(() => this.#engine.swapCell(swap))
    return (await this.#repeated(() => this.#engine.swapCell(swap))).outcome
  }

  async takeEvents(query: TakeQuery): Promise<readonly EventRow[]> {
    this.#checkKeys(query.tenantId)
    checkTake(query)
    return this.#once(() => this.#engine.takeEvents(query))
  }

  async listEvents(
    tenantId: string,
    key: string,
    query: { readonly after?: string; readonly limit: number },
  ): Promise<readonly EventRow[]> {
    this.#checkKeys(tenantId, key)
    return this.#read(() => this.#engine.listEvents(tenantId, key, query))
  }

  async settleEvent(...parameters: Parameters<StoreEngine['settleEvent']>): Promise<boolean> {
    this.#checkKeys(parameters[0], parameters[1])
    return this.#once(() => this.#engine.settleEvent(...parameters))
  }

  removeRunOut(agoMs: number): Promise<number> {
    return this.#read(() => this.#engine.removeRunOut(agoMs))
  }

  /** An error of this operation that is not the database's. */
  error(...[code, message]: ConstructorParameters<typeof StorageError>): StorageError {
    return new StorageError(code, `${this.#operation}: ${message}`, { operation: this.#operation })
  }

  #checkKeys(...keys: readonly (string | undefined)[]): void {
    for (const key of keys) {
      if (key === undefined) continue
      const fault =
        key === ''
          ? 'is empty'
          : Buffer.byteLength(key) > MAX_KEY_BYTES
            ? `is longer than ${MAX_KEY_BYTES} bytes`
            : CONTROL.test(key)
              ? 'holds a control character or half a surrogate pair'
              : undefined
      if (fault) throw this.error('storage_key_invalid', `an id or key ${fault}`, { operation: this.#operation })
    }
  }

  /** A step that changes nothing: an answer that was lost is asked for again, and nothing is unknown afterwards. */
  async #read<T>(step: () => Promise<T>): Promise<T> {
    try {
      return await this.#explained(step, false)
    } catch (error) {
      if (!isLost(error)) throw error
      return await this.#explained(step, false)
    }
  }

  /** A step that may be asked for twice, because the second time finds what the first one did. */
  async #repeated<T>(step: () => Promise<T>): Promise<{ outcome: T; isRepeat: boolean }> {
    try {
      return { outcome: await this.#explained(step, true), isRepeat: false }
    } catch (error) {
      if (!isLost(error)) throw error
      return { outcome: await this.#explained(step, true), isRepeat: true }
    }
  }

  #once<T>(step: () => Promise<T>): Promise<T> {
    return this.#explained(step, true)
  }

  async #explained<T>(step: () => Promise<T>, isWrite: boolean): Promise<T> {
    try {
      return await this.#limited(step, isWrite)
    } catch (error) {
      if (error instanceof StorageError) {
        if (error.operation === this.#operation) throw error
        throw new StorageError(error.code, error.message, {
          cause: error.cause,
          operation: this.#operation,
          isOutcomeUnknown: error.isOutcomeUnknown,
        })
      }
      const { code, isRequestLost = false } = this.#engine.explain?.(error) ?? {
        code: 'storage_failed' as const,
        isRequestLost: true,
      }
      const isOutcomeUnknown =
        isWrite && !isRequestLost && (code === 'storage_connection_lost' || code === 'storage_timeout')
      // The message of a database can quote values; it stays in the cause.
      throw new StorageError(code, `${this.#operation} failed on ${this.#engine.name}`, {
        cause: error,
        operation: this.#operation,
        isOutcomeUnknown,
      })
    }
  }

  #limited<T>(step: () => Promise<T>, isWrite: boolean): Promise<T> {
    const { clock, operationTimeoutMs } = this.#options
    if (this.#operation === 'migrate') return step()
    return new Promise<T>((resolve, reject) => {
      const timer = clock.setTimeout(() => {
        const message = `${this.#operation} had no answer from ${this.#engine.name} within ${operationTimeoutMs} ms`
        reject(new StorageError('storage_timeout', message, { operation: this.#operation, isOutcomeUnknown: isWrite }))
      }, operationTimeoutMs)
      step()
        .then(resolve, reject)
        .finally(() => {
          clock.clear(timer)
        })
    })
  }
}

function isLost(error: unknown): boolean {
  return error instanceof StorageError && error.code === 'storage_connection_lost'
}

function checkTake({ limit, visibilityMs }: TakeQuery): void {
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= 1000))
    throw new RangeError(`limit must be 1 to 1000, got ${limit}`)
  checkDuration('visibilityMs', visibilityMs)
}

/** @throws RangeError for a duration that is not a whole number of milliseconds above 0. */
export function checkDuration(name: string, ms: number): void {
  if (!(Number.isSafeInteger(ms) && ms > 0))
    throw new RangeError(`${name} must be a whole number of milliseconds above 0, got ${ms}`)
}
