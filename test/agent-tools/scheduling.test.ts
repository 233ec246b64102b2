import fc from 'fast-check'
import { PGlite } from '@electric-sql/pglite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ManualClock } from '../../src/core/clock.js'
import { MemoryScheduling } from '../../src/agent-tools/memory-scheduling.js'
import { PostgresScheduling } from '../../src/agent-tools/postgres-scheduling.js'
import { databaseUrl, ownDatabase } from '../support/postgres.js'
import { openingsOn, phoneKey, type Booking, type Employee, type Scheduling, type Service, type TenantInfo } from '../../src/agent-tools/scheduling.js' // prettier-ignore

const day = { open: '09:00', close: '17:00', enabled: true }
const salon: TenantInfo = {
  id: 'salon',
  name: 'Test Salon',
  timeZone: 'America/New_York',
  businessHours: { monday: day, tuesday: day, wednesday: day, thursday: day, friday: day },
}
const services: Service[] = [
  { id: 'cut', name: 'Haircut', description: 'A classic haircut', price: 50, durationMinutes: 60, category: 'hair' },
  { id: 'color', name: 'Coloring', durationMinutes: 120 },
]
const employees: Employee[] = [
  { id: 'ann', name: 'Ann' },
  { id: 'bob', name: 'Bob', serviceIds: ['cut'] },
]
// Monday, 2026-01-05, ten in the morning in New York
const NOW = Date.UTC(2026, 0, 5, 15)
const TUESDAY_10 = Date.UTC(2026, 0, 6, 15)
const HOUR = 3_600_000
const booking = (over: Partial<Booking> = {}): Booking => ({ serviceId: 'cut', customerName: 'Ada', startMs: TUESDAY_10, ...over }) // prettier-ignore

type Made = { readonly scheduling: Scheduling; readonly close: () => Promise<void> }

async function overSql(client: { query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }> }) {
  const scheduling = new PostgresScheduling({ client, clock: new ManualClock(NOW) })
  await scheduling.migrate()
  await scheduling.migrate()
  await scheduling.putTenant(salon, services, employees)
  await scheduling.putTenant({ ...salon, id: 'other', name: 'Other' }, services, employees)
  return scheduling
}

const kinds: Record<string, () => Promise<Made>> = {
  memory: async () => {
    const { id: _id, ...info } = salon
    const tenant = { ...info, services, employees }
    const scheduling = new MemoryScheduling({ clock: new ManualClock(NOW), tenants: { salon: tenant, other: tenant } })
    return { scheduling, close: async () => undefined }
  },
  PGlite: async () => {
    const client = new PGlite()
    return { scheduling: await overSql(client), close: () => client.close() }
  },
}
if (databaseUrl !== undefined) {
  kinds.PostgreSQL = async () => {
    const { pool, drop } = await ownDatabase(20)
    return { scheduling: await overSql(pool), close: drop }
  }
} else test.skip('a calendar on a PostgreSQL server waits for one: set DATABASE_URL', () => undefined)

describe.each(Object.keys(kinds))('a calendar in %s', (kind) => {
  let made: Made
  let scheduling: Scheduling
  beforeAll(async () => {
    made = await kinds[kind]!()
    ;({ scheduling } = made)
  }, 60_000)
  afterAll(() => made.close())

  test('knows its tenants, and nothing of those it does not know', async () => {
    expect(await scheduling.tenant('salon')).toMatchObject({ id: 'salon', name: 'Test Salon', businessHours: { monday: day } })
    expect(await scheduling.services('salon')).toEqual(services)
    expect(await scheduling.employees('salon')).toEqual(employees)
    expect(await scheduling.tenant('nobody')).toBeUndefined()
    expect(await scheduling.services('nobody')).toEqual([])
    expect(await scheduling.book('nobody', booking())).toBe('unknown-service')
  }) // prettier-ignore

  test('fifty that want the same hour of two people get it twice', async () => {
    const startMs = TUESDAY_10 + 24 * HOUR
    const results = await Promise.all(Array.from({ length: 50 }, (_, i) => scheduling.book('salon', booking({ startMs, customerName: `C${i}` })))) // prettier-ignore
    const made = results.filter((one) => typeof one !== 'string')
    expect(made.map((one) => (typeof one === 'string' ? one : one.employeeId)).sort()).toEqual(['ann', 'bob'])
    expect(results.filter((one) => one === 'taken')).toHaveLength(48)
  })

  test('of fifty that overlap by a quarter of an hour for one person, none overlap in the end', async () => {
    const base = TUESDAY_10 + 48 * HOUR
    const results = await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        scheduling.book('salon', booking({ employeeId: 'ann', startMs: base + (i % 25) * 900_000 - HOUR })),
      ),
    )
    const made = results.flatMap((one) => (typeof one === 'string' ? [] : [one])).sort((a, b) => (a.startTime < b.startTime ? -1 : 1)) // prettier-ignore
    expect(made.length).toBeGreaterThan(2)
    for (const [i, one] of made.entries()) {
      if (i > 0) expect(Date.parse(one.startTime)).toBeGreaterThanOrEqual(Date.parse(made[i - 1]!.endTime))
    }
  })

  test.each<[string, Partial<Booking>]>([
    ['unknown-service', { serviceId: 'nails' }],
    ['unknown-employee', { employeeId: 'zoe' }],
    ['unknown-employee', { serviceId: 'color', employeeId: 'bob' }],
    ['in-the-past', { startMs: NOW }],
    ['closed', { startMs: Date.UTC(2026, 0, 6, 13, 59) }],
    ['closed', { startMs: Date.UTC(2026, 0, 6, 21, 15) }],
    ['closed', { startMs: Date.UTC(2026, 0, 10, 15) }],
  ])('%s is a refusal and no appointment', async (refusal, over) => {
    expect(await scheduling.book('salon', booking(over))).toBe(refusal)
  })

  test('an appointment has every word that it was made with', async () => {
    const made = await scheduling.book('salon', booking({ startMs: TUESDAY_10 + 6 * HOUR, customerName: 'Zoë «O’Hara» 🌞', customerPhone: '+1 (202) 555-0101', customerEmail: 'Zoe@Example.com', notes: 'n' })) // prettier-ignore
    expect(made).toMatchObject({
      tenantId: 'salon',
      serviceId: 'cut',
      customerName: 'Zoë «O’Hara» 🌞',
      customerPhone: '+1 (202) 555-0101',
      startTime: '2026-01-06T21:00:00.000Z',
      endTime: '2026-01-06T22:00:00.000Z',
      status: 'scheduled',
      notes: 'n',
    })
    for (const customer of [{ phone: '2025550101' }, { email: 'zoe@example.com' }]) {
      expect(await scheduling.find('salon', customer)).toEqual([made])
      expect(await scheduling.find('other', customer)).toEqual([])
    }
    expect(await scheduling.find('salon', { phone: '101' })).toEqual([])
  })

  test('a cancelled hour is free again; cancelling twice is the same as once; another tenant’s cannot be touched', async () => {
    const startMs = Date.UTC(2026, 0, 12, 15)
    const made = await scheduling.book('salon', booking({ startMs, employeeId: 'ann', customerPhone: '+12025550102' }))
    if (typeof made === 'string') throw new Error(made)
    expect(await scheduling.cancel('other', made.id)).toBeUndefined()
    expect(await scheduling.book('salon', booking({ startMs, employeeId: 'ann' }))).toBe('taken')
    expect(await scheduling.cancel('salon', made.id, 'ill')).toMatchObject({ status: 'cancelled' })
    expect(await scheduling.cancel('salon', made.id)).toMatchObject({ status: 'cancelled' })
    expect(await scheduling.find('salon', { phone: '+12025550102' })).toEqual([])
    expect(await scheduling.book('salon', booking({ startMs, employeeId: 'ann' }))).toMatchObject({
      status: 'scheduled',
    })
    expect(await scheduling.reschedule('salon', made.id, startMs + 3 * HOUR)).toBeUndefined()
  })

  test('a move frees the old hour once the new one is taken, and may overlap with itself', async () => {
    const startMs = Date.UTC(2026, 0, 13, 15)
    const made = await scheduling.book('salon', booking({ startMs, employeeId: 'bob' }))
    const wall = await scheduling.book('salon', booking({ startMs: startMs + 2 * HOUR, employeeId: 'bob' }))
    if (typeof made === 'string' || typeof wall === 'string') throw new Error('not booked')
    expect(await scheduling.reschedule('salon', made.id, startMs + 1.5 * HOUR)).toBe('taken')
    expect(await scheduling.reschedule('other', made.id, startMs + HOUR)).toBeUndefined()
    const moved = await scheduling.reschedule('salon', made.id, startMs + HOUR / 2)
    expect(moved).toMatchObject({ id: made.id, startTime: new Date(startMs + HOUR / 2).toISOString() })
    expect(await scheduling.book('salon', booking({ startMs: startMs - HOUR / 2, employeeId: 'bob' }))).toMatchObject({ status: 'scheduled' }) // prettier-ignore
  })

  test('free times leave out what is taken, what is past and what does not fit before closing', async () => {
    const today = await scheduling.openings('salon', { serviceId: 'cut', date: '2026-01-05', limit: 100 })
    expect(today[0]).toMatchObject({ localTime: '10:15' })
    expect(today.at(-1)).toMatchObject({ localTime: '16:00' })
    await scheduling.book('salon', booking({ serviceId: 'color', startMs: Date.UTC(2026, 0, 14, 14) }))
    const color = await scheduling.openings('salon', { serviceId: 'color', date: '2026-01-14', limit: 2 })
    expect(color).toEqual([
      { startTime: '2026-01-14T16:00:00.000Z', localTime: '11:00', employeeId: 'ann' },
      { startTime: '2026-01-14T16:15:00.000Z', localTime: '11:15', employeeId: 'ann' },
    ])
    expect(await scheduling.openings('salon', { serviceId: 'cut', date: '2026-01-10', limit: 9 })).toEqual([])
    expect(await scheduling.openings('salon', { serviceId: 'nails', date: '2026-01-14', limit: 9 })).toEqual([])
  })
})

test('whatever is taken, every free time that is offered can be booked', () => {
  const interval = fc.record({ employeeId: fc.constantFrom('ann', 'bob'), start: fc.integer({ min: -8, max: 40 }), length: fc.integer({ min: 1, max: 12 }) }) // prettier-ignore
  fc.assert(
    fc.property(fc.array(interval, { maxLength: 12 }), (intervals) => {
      const base = Date.UTC(2026, 0, 6, 14)
      const taken = intervals.map(({ employeeId, start, length }, i) => ({
        id: `a${i}`,
        employeeId,
        startMs: base + start * 900_000,
        endMs: base + (start + length) * 900_000,
      }))
      const plan = { tenant: salon, service: services[0]!, employees, taken, nowMs: NOW }
      for (const { startTime, employeeId } of openingsOn('2026-01-06', 100, plan)) {
        const startMs = Date.parse(startTime)
        const clash = taken.some((one) => one.employeeId === employeeId && one.startMs < startMs + HOUR && one.endMs > startMs) // prettier-ignore
        expect(clash).toBe(false)
      }
    }),
  )
})

test.each([['+1 (202) 555-0101', '2025550101'], ['12025550101', '2025550101'], ['555', undefined], [undefined, undefined]])('%s is known by %s', (phone, key) => expect(phoneKey(phone)).toBe(key)) // prettier-ignore
