/**
 * Whatever a model writes as the arguments of a ready-made tool: an answer, of bounded length, that tells nothing of the inside.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { appointmentTools } from '../../src/agent-tools/appointment-tools.js'
import { MemoryScheduling } from '../../src/agent-tools/memory-scheduling.js'
import { ToolRegistry } from '../../src/agent-tools/registry.js'
import type { Scheduling } from '../../src/agent-tools/scheduling.js'
import { telephoneTools, type TelephoneActions } from '../../src/agent-tools/telephone-tools.js'
import type { AgentTool } from '../../src/agent-tools/tool.js'
import { ManualClock } from '../../src/core/clock.js'
import type { Logger } from '../../src/core/logger.js'

const NOW = Date.UTC(2026, 0, 5, 15)
const MAX_RESULT_CHARS = 32_768
const SECRET = 'hunter2 at db.internal:5432'
const day = { open: '09:00', close: '17:00', enabled: true }

/** A calendar, and a telephone, that fail as real ones do. */
const broken = <T extends object>(names: readonly (keyof T & string)[]): T =>
  Object.fromEntries(names.map((name) => [name, () => Promise.reject(new Error(SECRET))])) as unknown as T

const METHODS = ['tenant', 'services', 'employees', 'openings', 'book', 'cancel', 'reschedule', 'find'] as const
const ACTIONS = ['transfer', 'hangUpAfterPlayback', 'sendDigits', 'optOut', 'leaveNote', 'scheduleCallback'] as const
const destinations = { front_desk: 'Anything else' }

function working(clock: ManualClock): AgentTool[] {
  const scheduling = new MemoryScheduling({
    clock,
    tenants: {
      salon: {
        name: 'Test Salon',
        timeZone: 'America/New_York',
        businessHours: { monday: day, tuesday: day },
        services: [{ id: 's1', name: 'Haircut', price: 50, durationMinutes: 60 }],
        employees: [{ id: 'ann', name: 'Ann' }],
      },
    },
  })
  const actions: TelephoneActions = {
    transfer: async () => 'nobody-available',
    hangUpAfterPlayback: async () => undefined,
    sendDigits: async () => true,
    optOut: async () => undefined,
    leaveNote: async () => undefined,
    scheduleCallback: async (_context, { when }) => ({ scheduledFor: when ?? 'soon' }),
  }
  return [...appointmentTools({ scheduling, clock }), ...telephoneTools({ actions, destinations })]
}

function failing(clock: ManualClock): AgentTool[] {
  const scheduling = broken<Scheduling>(METHODS)
  return [...appointmentTools({ scheduling, clock }), ...telephoneTools({ actions: broken(ACTIONS), destinations })]
}

function setup(make: (clock: ManualClock) => AgentTool[]) {
  const clock = new ManualClock(NOW)
  const lines: unknown[] = []
  const log = (...line: unknown[]): void => void lines.push(line)
  const logger: Logger = { debug: log, info: log, warn: log, error: log }
  const registry = new ToolRegistry(make(clock), { clock, logger, maxResultChars: MAX_RESULT_CHARS })
  return { registry, lines, clock }
}

/** Words that a model may well write where a tool wants some, so that arguments come through the schema as often as not. */
const word = fc.oneof(
  fc.constantFrom('s1', 'Haircut', 'ann', 'appt-1', '2026-01-06', '2026-01-06T10:00', '2026-01-06T10:00:00-05:00', '2026-02-31', '275760-09-13', '1#', 'front_desk', '+12025550101', 'a@b.c', '3', 'true', ''), // prettier-ignore
  fc.stringMatching(/^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(Z|[+-]\d{2}:?\d{2})?)?$/), // dates, of which most do not exist
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.integer({ min: 0, max: 300_000 }).map((length) => 'x'.repeat(length)),
)
const NAMES = ['date', 'serviceId', 'customerName', 'customerPhone', 'customerEmail', 'employeeId', 'startTime', 'notes', 'appointmentId', 'reason', 'limit', 'destination', 'digits', 'note', 'when', '__proto__', 'constructor', 'toString'] // prettier-ignore
const value = fc.oneof({ weight: 4, arbitrary: word }, fc.integer(), fc.double(), fc.boolean(), fc.constant(null), fc.jsonValue({ maxDepth: 3 })) // prettier-ignore
const named = fc.array(fc.tuple(fc.constantFrom(...NAMES), value), { maxLength: NAMES.length })
const json = fc.oneof(
  // Written and parsed, so that `__proto__` is a key.
  { weight: 3, arbitrary: named.map((pairs) => JSON.parse(`{${pairs.map(([key, item]) => `${JSON.stringify(key)}:${JSON.stringify(item)}`).join(',')}}`) as unknown) }, // prettier-ignore
  fc.jsonValue({ maxDepth: 4 }),
  fc.json({ maxDepth: 3 }),
  fc.string(),
)

const names = working(new ManualClock(NOW)).map(({ name }) => name)

test('every ready-made tool is among them', () => {
  expect(names).toHaveLength(15)
})

describe.each(names)('%s', (toolName) => {
  test('answers whatever it is sent, in bounds', async () => {
    const { registry, clock } = setup(working)
    const context = { call: { callSid: 'CA1', remoteNumber: '+12025550101' }, tenantId: 'salon' }
    await fc.assert(
      fc.asyncProperty(json, fc.constantFrom(context, { ...context, call: {} }, { ...context, tenantId: 'nobody' }), async (parameters, who) => {
        const answer = await registry.run({ toolName, parameters, context: who })
        const text = JSON.stringify(answer)
        expect(text.length).toBeLessThanOrEqual(MAX_RESULT_CHARS + 100)
        expect(text).not.toMatch(/\bat .+:\d+:\d+|\.ts\b|node_modules|TypeError|RangeError/)
        if (answer.success) return
        expect(answer.code).toMatch(/^[A-Z][A-Z0-9_]{1,63}$/)
        expect(answer.code).not.toBe('TOOL_FAILED') // a working calendar and telephone: no argument makes a tool throw
        expect(answer.error).toMatch(/\S/)
        expect(answer.error.length).toBeLessThanOrEqual(500)
      }),
      { numRuns: 150 },
    ) // prettier-ignore
    expect(clock.pendingTimers).toBe(0)
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })

  test('answers when everything behind it fails, and tells nobody but the log\u2019s reader of what was thrown', async () => {
    const { registry, lines } = setup(failing)
    await fc.assert(
      fc.asyncProperty(json, async (parameters) => {
        const answer = await registry.run({ toolName, parameters, context: { call: { callSid: 'CA1', remoteNumber: '+12025550101' }, tenantId: 'salon' } }) // prettier-ignore
        expect(answer.success).toBe(false)
        expect(JSON.stringify(answer)).not.toMatch(/hunter2|internal/)
        expect(JSON.stringify(answer).length).toBeLessThan(600)
      }),
      { numRuns: 60 },
    )
    expect(JSON.stringify(lines)).not.toMatch(/hunter2|\+12025550101/)
  })
})
