import { describe, expect, test } from 'vitest'
import { createStore } from '../../src/storage/create-store.js'
import { conformanceCases } from '../../src/storage/conformance/index.js'
import type { StoreEngine } from '../../src/storage/engine.js'
import { createMemoryEngine } from '../../src/storage/memory.js'

const STEPS = [
  'migrate',
  'get',
  'list',
  'count',
  'write',
  'addCapped',
  'take',
  'getCell',
  'swapCell',
  'takeEvents',
  'listEvents',
  'settleEvent',
  'removeRunOut',
] as const

/** A case on a store with a fault that goes on for so many steps has failed: a faulty store can keep a case busy for ever. */
const MAX_STEPS = 2000

/** Whether a store with this fault fails the case of this name. */
async function fails(name: string, fault: (engine: StoreEngine) => Partial<StoreEngine>): Promise<boolean> {
  const found = conformanceCases.find((other) => other.name === name)
  if (!found) throw new Error(`there is no case "${name}"`)
  let engine: StoreEngine | undefined
  let steps = 0
  const open = (clock: object): StoreEngine => {
    const sound = createMemoryEngine(clock)
    const faulty = fault(sound)
    const counted = STEPS.map((step) => [
      step,
      async (...given: unknown[]): Promise<unknown> => {
        if (++steps > MAX_STEPS) throw new Error('this goes on for ever')
        return ((faulty[step] ?? sound[step].bind(sound)) as (...given: unknown[]) => unknown)(...given)
      },
    ])
    return { name: 'faulty', ...Object.fromEntries(counted) } as StoreEngine
  }
  try {
    await found.run(({ clock }) => createStore((engine ??= open(clock ? { clock } : {})), clock ? { clock } : {}))
    return false
  } catch {
    return true
  }
}

const later = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('the suite finds', () => {
  test('a store that counts first and writes later', async () => {
    const fault = (engine: StoreEngine): Partial<StoreEngine> => ({
      addCapped: async (add) => {
        const room = add.caps.every(({ max }) => max > 0)
        const held = await engine.count(add.kind, add.tenantId, { index: add.counted })
        await later()
        if (!room || add.caps.some(({ max }) => held >= max)) return engine.addCapped(add)
        return engine.addCapped({ ...add, caps: [] })
      },
    })
    expect(
      await fails('of 50 that reserve at once, in two processes, exactly as many win as the cap allows', fault),
    ).toBe(true)
  })

  test('a store that forgets which tenant it was asked for', async () => {
    const fault = (engine: StoreEngine): Partial<StoreEngine> => ({
      get: async (kind, _tenantId, id) => engine.get(kind, 'everybody', id),
      write: async (write) => engine.write({ ...write, tenantId: 'everybody' }),
    })
    expect(await fails('one tenant never sees another\u2019s records', fault)).toBe(true)
  })

  test('a store that overwrites instead of comparing versions', async () => {
    const fault = (engine: StoreEngine): Partial<StoreEngine> => ({
      write: async (write) => {
        if (write.when === 'absent') return engine.write(write)
        const row = await engine.get(write.kind, write.tenantId, write.id)
        return engine.write({ ...write, when: row?.version ?? write.when })
      },
    })
    expect(await fails('changes of different fields at once all stand', fault)).toBe(true)
    expect(await fails('work of a taker that died is due again, and the dead one\u2019s receipt is void', fault)).toBe(
      true,
    )
  })

  test('a store whose cells go to whoever asks', async () => {
    const fault = (engine: StoreEngine): Partial<StoreEngine> => ({
      swapCell: async (swap) => engine.swapCell({ ...swap, when: 'any' }),
    })
    expect(await fails('of 50 that claim a key at once, in two processes, one is told to do it', fault)).toBe(true)
    expect(await fails('a token is redeemed once, for its subject, in time', fault)).toBe(true)
  })

  test('a store that drops the events of a record', async () => {
    const fault = (engine: StoreEngine): Partial<StoreEngine> => ({
      write: async ({ events: _, ...write }) => engine.write(write),
    })
    expect(await fails('events are kept with their record or not at all', fault)).toBe(true)
  })

  test('a store that includes the moment at which a window ends', async () => {
    const fault = (engine: StoreEngine): Partial<StoreEngine> => ({
      addCapped: async (add) =>
        engine.addCapped({ ...add, caps: add.caps.map((cap) => ({ ...cap, windowMs: cap.windowMs + 1 })) }),
    })
    expect(await fails('all caps count in one step, and the answer names those that are full', fault)).toBe(true)
  })

  test('a store that does not find what waits under a key', async () => {
    const fault = (): Partial<StoreEngine> => ({ listEvents: async () => [] })
    expect(
      await fails('of a person who is erased no event that waits tells, and what was billed still goes out', fault),
    ).toBe(true)
  })

  test('a store that lets whoever holds an event go on with what it said before', async () => {
    const held = new Map<string, number>()
    const fault = (engine: StoreEngine): Partial<StoreEngine> => ({
      settleEvent: async (tenantId, id, version, how) => {
        if (how !== 'forget' && 'record' in how) held.set(id, version)
        else if (held.get(id) === version) return engine.settleEvent(tenantId, id, version + 1, how)
        return engine.settleEvent(tenantId, id, version, how)
      },
    })
    expect(await fails('who holds an event while its person is erased cannot put back what it said', fault)).toBe(true)
  })
})
