import { describe, expect, test } from 'vitest'
import { guardedBy, OptOutBlockList, type OptOut } from '../../src/compliance/opt-out/block-list.js'
import { OPT_OUT_CONFIRMATIONS, recordOptOut, retryOptOuts } from '../../src/compliance/opt-out/record.js'
import { remoteParty } from '../../src/compliance/opt-out/remote-party.js'
import { VoiceError } from '../../src/core/errors.js'
import type { NumberOfTenant } from '../../src/compliance/ports.js'
import type { ConsentRevocation } from '../../src/records/consent.js'
import type { DoNotCallEntry } from '../../src/records/do-not-call.js'

const AT = Date.UTC(2026, 10, 25, 15)
const OPT_OUT: OptOut = {
  tenantId: 'acme',
  phoneNumber: '+12125550123',
  channel: 'speech',
  requestedAt: AT,
  callSid: 'CA1',
  note: 'en-stop-calling',
}

/** A store that keeps everything, fails where it is told to, and writes down the order in which it was asked. */
class FakeStore {
  readonly log: string[] = []
  readonly entries: DoNotCallEntry[] = []
  readonly #revocations = new Map<string, ConsentRevocation>()
  failing: readonly string[] = []

  get revocations(): readonly ConsentRevocation[] {
    return [...this.#revocations.values()]
  }

  async addDoNotCall(entry: DoNotCallEntry): Promise<void> {
    this.#ask('addDoNotCall')
    if (!this.entries.some(({ phoneNumber }) => phoneNumber === entry.phoneNumber)) this.entries.push(entry)
  }

  async revokeConsent(revocation: ConsentRevocation): Promise<'added' | 'exists'> {
    this.#ask('revokeConsent')
    if (this.#revocations.has(revocation.revocationId)) return 'exists'
    this.#revocations.set(revocation.revocationId, revocation)
    return 'added'
  }

  async findDoNotCall({ phoneNumber }: NumberOfTenant): Promise<DoNotCallEntry | undefined> {
    this.#ask('findDoNotCall')
    return this.entries.find((entry) => entry.phoneNumber === phoneNumber)
  }

  #ask(what: string): void {
    this.log.push(what)
    if (this.failing.includes(what)) throw new Error('the store is down')
  }
}

function setup(options: { maxEntries?: number } = {}) {
  const store = new FakeStore()
  const blockList = new OptOutBlockList(options)
  return { store, blockList, ports: { store, blockList }, guarded: guardedBy(blockList, store) }
}

describe('an opt-out', () => {
  test('is on the do-not-call list first, then consent is revoked, for every seller, and then it is confirmed', async () => {
    const { store, ports, blockList } = setup()
    const recorded = await recordOptOut(OPT_OUT, ports)
    expect(store.log).toEqual(['addDoNotCall', 'revokeConsent'])
    expect(store.entries).toEqual([
      {
        tenantId: 'acme',
        phoneNumber: '+12125550123',
        addedAt: AT,
        channel: 'speech',
        leadId: null,
        callSid: 'CA1',
        note: 'en-stop-calling',
      },
    ])
    expect(store.revocations).toMatchObject([
      { phoneNumber: '+12125550123', sellerId: null, revokedAt: AT, channel: 'speech' },
    ])
    expect(recorded).toMatchObject({ consent: 'added', confirmation: OPT_OUT_CONFIRMATIONS.en })
    expect(blockList.pending).toEqual([])
  })

  test('is confirmed in the language that was spoken', async () => {
    const { ports } = setup()
    expect((await recordOptOut(OPT_OUT, ports, { language: 'es' })).confirmation).toMatch(/^Su número/)
  })

  test('that is recorded again changes nothing', async () => {
    const { store, ports } = setup()
    const first = await recordOptOut(OPT_OUT, ports)
    const again = await recordOptOut(OPT_OUT, ports)
    expect(again).toEqual({ ...first, consent: 'exists' })
    expect(store.entries).toHaveLength(1)
    expect(store.revocations).toHaveLength(1)
  })

  test('at another moment is another revocation, since there may have been a fresh opt-in between', async () => {
    const { store, ports } = setup()
    await recordOptOut(OPT_OUT, ports)
    await recordOptOut({ ...OPT_OUT, requestedAt: AT + 1 }, ports)
    expect(store.revocations).toHaveLength(2)
  })

  test('is refused by this process from the first instant, before the store has answered', () => {
    const { blockList, store } = setup()
    void recordOptOut(OPT_OUT, {
      blockList,
      store: { addDoNotCall: () => new Promise(() => undefined), revokeConsent: (r) => store.revokeConsent(r) },
    })
    expect(blockList.isBlocked(OPT_OUT)).toBe(true)
  })

  test.each(['2125550123', '', 'anonymous'])('on "%s" is a mistake of the caller', async (phoneNumber) => {
    const { ports } = setup()
    await expect(recordOptOut({ ...OPT_OUT, phoneNumber }, ports)).rejects.toThrow(TypeError)
  })
})

describe('a process that dies', () => {
  test.each([
    ['before the first write', 'addDoNotCall', []],
    ['between the writes', 'revokeConsent', ['+12125550123']],
  ])('%s leaves what was done, and the same request in the next process does the rest', async (_, dies, listed) => {
    const { store } = setup()
    const dead = Object.assign(Object.create(store) as FakeStore, {
      addDoNotCall: (entry: DoNotCallEntry) =>
        dies === 'addDoNotCall' ? new Promise<void>(() => undefined) : store.addDoNotCall(entry),
      revokeConsent: () => new Promise<'added'>(() => undefined),
    })
    void recordOptOut(OPT_OUT, { store: dead, blockList: new OptOutBlockList() })
    await new Promise(setImmediate)
    expect(store.entries.map(({ phoneNumber }) => phoneNumber)).toEqual(listed)
    expect(store.revocations).toEqual([])

    await recordOptOut(OPT_OUT, { store, blockList: new OptOutBlockList() })
    expect(store.entries).toHaveLength(1)
    expect(store.revocations).toHaveLength(1)
  })
})

describe('a store that fails', () => {
  test.each([
    [['addDoNotCall'], { doNotCall: 'failed', consent: 'stored' }],
    [['revokeConsent'], { doNotCall: 'stored', consent: 'failed' }],
    [['addDoNotCall', 'revokeConsent'], { doNotCall: 'failed', consent: 'failed' }],
  ])(
    'at %j: the error says which write failed, the other one is made, and the number stays blocked',
    async (failing, details) => {
      const { store, ports, guarded } = setup()
      store.failing = failing
      const failed = recordOptOut(OPT_OUT, ports)
      await expect(failed).rejects.toMatchObject({
        code: 'opt_out_not_recorded',
        details: { callSid: 'CA1', ...details },
      })
      await expect(failed).rejects.toThrow(/^(?!.*555)/)
      expect(store.log).toEqual(['addDoNotCall', 'revokeConsent'])
      expect(await guarded.findDoNotCall({ tenantId: 'acme', phoneNumber: '+12125550123' })).toMatchObject({
        addedAt: AT,
        channel: 'speech',
        note: 'not in the store yet',
      })
    },
  )

  test('is tried again, and when it has the request the block list forgets it', async () => {
    const { store, ports, blockList, guarded } = setup()
    store.failing = ['addDoNotCall', 'revokeConsent']
    await expect(recordOptOut(OPT_OUT, ports)).rejects.toThrow(VoiceError)
    expect(await retryOptOuts(ports)).toEqual({ recorded: 0, failed: 1 })
    store.failing = []
    expect(await retryOptOuts(ports)).toEqual({ recorded: 1, failed: 0 })
    expect(blockList.pending).toEqual([])
    expect(await guarded.findDoNotCall({ tenantId: 'acme', phoneNumber: '+12125550123' })).toMatchObject({
      note: 'en-stop-calling',
    })
    expect(store.revocations).toHaveLength(1)
  })

  test('that throws at once is no different from one that rejects', async () => {
    const { blockList, store } = setup()
    const addDoNotCall = (): never => {
      throw new TypeError('no connection')
    }
    await expect(
      recordOptOut(OPT_OUT, { blockList, store: { addDoNotCall, revokeConsent: (r) => store.revokeConsent(r) } }),
    ).rejects.toMatchObject({ code: 'opt_out_not_recorded', cause: new TypeError('no connection') })
  })
})

describe('the block list', () => {
  test('blocks one number of one tenant', async () => {
    const { blockList, guarded } = setup()
    blockList.block(OPT_OUT)
    expect(blockList.isBlocked({ tenantId: 'acme', phoneNumber: '+12125550124' })).toBe(false)
    expect(blockList.isBlocked({ tenantId: 'other', phoneNumber: '+12125550123' })).toBe(false)
    expect(await guarded.findDoNotCall({ tenantId: 'other', phoneNumber: '+12125550123' })).toBeUndefined()
  })

  test('that overflows refuses every number, since it is lost which ones to refuse', async () => {
    const { blockList, guarded } = setup({ maxEntries: 1 })
    blockList.block(OPT_OUT)
    blockList.block(OPT_OUT)
    expect(blockList.hasOverflowed).toBe(false)
    blockList.block({ ...OPT_OUT, phoneNumber: '+12125550124' })
    expect(blockList.hasOverflowed).toBe(true)
    expect(await guarded.findDoNotCall({ tenantId: 'any', phoneNumber: '+13055550000' })).toBeDefined()
  })

  test('in front of a store leaves its other members as they are', async () => {
    const { store, guarded } = setup()
    await guarded.revokeConsent({
      tenantId: 'acme',
      revocationId: 'r',
      phoneNumber: '+12125550123',
      sellerId: null,
      revokedAt: AT,
      channel: 'web',
      callSid: null,
    })
    expect(guarded.revocations).toEqual(store.revocations)
    expect(guarded.revocations).toHaveLength(1)
  })
})

describe('the remote party', () => {
  const from = '+12125550100'
  const to = '+13055550123'
  test.each([
    ['inbound', from],
    ['outbound-api', to],
    ['outbound-dial', to],
    ['outbound', to],
  ])('of a call that is %s is %s', (direction, number) => {
    expect(remoteParty({ direction, from, to })).toBe(number)
  })

  test.each(['anonymous', '', 'sip:bob@example.com', 'client:bob', 'Restricted'])(
    '"%s" cannot be called, so it is none',
    (caller) => {
      expect(remoteParty({ direction: 'inbound', from: caller, to })).toBeUndefined()
    },
  )

  test('is not guessed when the direction says neither', () => {
    expect(() => remoteParty({ direction: 'trunking', from, to })).toThrow(TypeError)
    expect(() => remoteParty({ direction: '', from, to })).toThrow(TypeError)
  })
})
