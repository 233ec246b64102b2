import { createHash } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { ToolRegistry } from '../../src/agent-tools/registry.js'
import { storeToolRepeats } from '../../src/agent-tools/store-repeats.js'
import { defineTool } from '../../src/agent-tools/tool.js'
import type { ClaimPort } from '../../src/core/claims.js'
import { ManualClock } from '../../src/core/clock.js'
import { createElevenLabsHandler } from '../../src/middleware/elevenlabs-handler.js'
import type { ElevenLabsHandlerOptions, ReceivedElevenLabsEvent } from '../../src/middleware/elevenlabs-options.js'
import type { HostBody } from '../../src/middleware/host-request.js'
import { storeEventClaims } from '../../src/middleware/store-event-claims.js'
import type { ClaimStore } from '../../src/storage/coordination.js'
import { createMemoryStore } from '../../src/storage/memory.js'
import { readEventBody } from '../../src/webhooks/event-body.js'
import { signElevenLabsWebhook } from '../../src/webhooks/elevenlabs-signature.js'

const NOW = Date.UTC(2026, 0, 5, 15)
const SECRET = 'wsec_of_the_workspace'

function processOf(clock: ManualClock, over: Partial<ElevenLabsHandlerOptions>) {
  const handle = createElevenLabsHandler({ clock, auth: { webhookSecret: SECRET }, findCall: () => ({ tenantId: 'acme' }), ...over }) // prettier-ignore
  return (event: unknown, { isChunked = false } = {}) => {
    const bytes = Buffer.from(typeof event === 'string' ? event : JSON.stringify(event))
    const headers: Record<string, string> = { 'elevenlabs-signature': signElevenLabsWebhook({ secret: SECRET, body: bytes, clock }) } // prettier-ignore
    if (!isChunked) headers['content-length'] = String(bytes.length)
    const readBody = async (maxBytes: number): Promise<HostBody> => (bytes.length > maxBytes ? { problem: 'too-large' } : { bytes }) // prettier-ignore
    return handle({ method: 'POST', target: '/elevenlabs/events', header: (name) => headers[name], readBody })
  }
}

/** Moves the clock until it is settled. */
async function passing<T>(clock: ManualClock, promise: Promise<T>): Promise<T> {
  const at = { isSettled: false }
  const settled = (): void => void (at.isSettled = true)
  promise.then(settled, settled)
  while (!at.isSettled) {
    await turn()
    await clock.advanceAsync(20)
  }
  return promise
}

const ended = (conversation: string, atMs = NOW) => ({ type: 'post_call_transcription', event_timestamp: atMs / 1000, data: { agent_id: 'agent_1', conversation_id: conversation } }) // prettier-ignore
const sound = (audio: string) => ({ type: 'post_call_audio', event_timestamp: NOW / 1000, data: { agent_id: 'agent_1', conversation_id: 'conv_1', full_audio: audio } }) // prettier-ignore

function twoProcesses(over: Partial<ElevenLabsHandlerOptions> = {}) {
  const clock = new ManualClock(NOW)
  const store = createMemoryStore({ clock })
  const seen: string[] = []
  const onEvent = ({ event }: ReceivedElevenLabsEvent): void => {
    seen.push(event.type === 'unknown' ? event.name : `${event.type} ${event.data.conversation_id}`)
  }
  const options = { onEvent, ...over }
  return {
    clock,
    seen,
    store,
    one: processOf(clock, { claims: storeEventClaims({ store }), ...options }),
    two: processOf(clock, { claims: storeEventClaims({ store }), ...options }),
  }
}

test('any store of callweave/storage has the claims that we need', () => {
  const store: ClaimStore = createMemoryStore()
  const port: ClaimPort = store
  expect(port).toBe(store)
})

describe('events that are delivered to two processes', () => {
  test('five times each and in the wrong order, are taken in once each', async () => {
    const { clock, one, two, seen } = twoProcesses()
    const events = [sound('SUQz'), ended('conv_2'), ended('conv_1'), { type: 'voice_removed', event_timestamp: 1 }]
    const answers = Array.from({ length: 5 }, (_, i) => events.map((_event, j) => (i + j) % 2 === 0 ? one(events.at(-1 - j)) : two(events.at(-1 - j)))).flat() // prettier-ignore
    expect((await passing(clock, Promise.all(answers))).map((answer) => answer?.status)).toEqual(Array(20).fill(200))
    expect(seen.sort()).toEqual(['post_call_audio conv_1', 'post_call_transcription conv_1', 'post_call_transcription conv_2', 'voice_removed']) // prettier-ignore
  })

  test('are taken over by the second when the first fails, in the same delivery', async () => {
    let tries = 0
    const { clock, one, two } = twoProcesses({
      onEvent: async () => {
        if (++tries === 1) {
          await new Promise((resolve) => clock.setTimeout(() => resolve(undefined), 400))
          throw new Error('the disk is full')
        }
      },
    })
    const first = one(ended('conv_1'))
    await turn()
    const second = two(ended('conv_1'))
    expect((await passing(clock, Promise.all([first, second]))).map((answer) => answer?.status)).toEqual([500, 200])
    expect(tries).toBe(2)
  })

  test('are to be sent again while the first, which may have died, is still at it; and are new when its claim has run out', async () => {
    const { clock, one, two, seen, store } = twoProcesses()
    const dead = storeEventClaims({ store })
    expect(await dead.claim(`elevenlabs:post_call_transcription:conv_1:${NOW / 1000}`)).toBe('new')
    const early = two(ended('conv_1'))
    expect(await passing(clock, early)).toMatchObject({ status: 503, headers: { 'retry-after': '30' } })
    await clock.advanceAsync(120_000)
    expect(await one(ended('conv_1'))).toMatchObject({ status: 200 })
    expect(seen).toEqual(['post_call_transcription conv_1'])
  })

  test('are refused when the store is down, and done when only its last word is lost', async () => {
    const { store, seen } = twoProcesses()
    const down = (): Promise<never> => Promise.reject(new Error('no connection'))
    const clock = new ManualClock(NOW)
    const onEvent = ({ event }: ReceivedElevenLabsEvent): void => void seen.push(event.type)
    const off = processOf(clock, { onEvent, claims: storeEventClaims({ store: { claimKey: down, commitClaim: down, abandonClaim: down } }) }) // prettier-ignore
    expect(await off(ended('conv_1'))).toMatchObject({ status: 500 })
    const half: ClaimPort = { claimKey: (query) => store.claimKey(query), commitClaim: down, abandonClaim: down }
    expect(await processOf(clock, { onEvent, claims: storeEventClaims({ store: half }) })(ended('conv_1'))).toMatchObject({ status: 200 }) // prettier-ignore
    expect(seen).toEqual(['post_call_transcription'])
  })
})

describe('a tool that must not run twice, in two processes', () => {
  function two(handler: () => unknown) {
    const clock = new ManualClock(NOW)
    const store = createMemoryStore({ clock })
    const make = () =>
      new ToolRegistry([defineTool({ name: 'book', description: 'Books', once: true, parameters: z.object({ at: z.string() }), handler })], { clock, repeats: storeToolRepeats({ store, clock }) }) // prettier-ignore
    const ask = (registry: ToolRegistry, at = 'nine') => registry.run({ toolName: 'book', parameters: { at }, context: { tenantId: 'acme', call: { callSid: 'CA1' } } }) // prettier-ignore
    return { clock, one: make(), other: make(), ask }
  }

  test('runs once, and both tell what came of it', async () => {
    let count = 0
    const { clock, one, other, ask } = two(async () => {
      count++
      await new Promise((resolve) => clock.setTimeout(() => resolve(undefined), 300))
      return { id: count }
    })
    const answers = [ask(one), ask(other), ask(one), ask(other)]
    expect(await passing(clock, Promise.all(answers))).toEqual(Array(4).fill({ success: true, data: { id: 1 } }))
    expect(await passing(clock, ask(other, 'ten'))).toEqual({ success: true, data: { id: 2 } })
  })

  test('may be tried again after it failed', async () => {
    let count = 0
    const { one, other, ask } = two(() => {
      if (++count === 1) throw new Error('broken')
      return 'done'
    })
    expect(await ask(one)).toMatchObject({ success: false, code: 'TOOL_FAILED' })
    expect(await ask(other)).toEqual({ success: true, data: 'done' })
  })
})

describe('the sound of a conversation', () => {
  const mp3 = Buffer.from(Uint8Array.from({ length: 3_000_001 }, (_, i) => (i * 31) % 251))

  test('comes in pieces, whole, and is not copied as text unless somebody asks', async () => {
    const got: Uint8Array[] = []
    let received: ReceivedElevenLabsEvent | undefined
    const send = processOf(new ManualClock(NOW), {
      onEvent: async (event) => {
        received = event
        for await (const piece of event.audio!.chunks()) got.push(piece)
      },
    })
    expect(await send(sound(mp3.toString('base64')), { isChunked: true })).toMatchObject({ status: 200 })
    expect(received!.audio!.byteLength).toBe(mp3.length)
    expect(Buffer.concat(got).equals(mp3)).toBe(true)
    expect(Math.max(...got.map((piece) => piece.length))).toBeLessThanOrEqual(49_152)
    expect(createHash('sha256').update(Buffer.concat(got)).digest('hex')).toBe(createHash('sha256').update(mp3).digest('hex')) // prettier-ignore
    const { event } = received!
    expect(event.type === 'post_call_audio' && Buffer.from(event.data.full_audio, 'base64').equals(mp3)).toBe(true)
  })

  test('is not taken out of anything else, wherever its name stands', async () => {
    const lead = { ...ended('conv_1'), data: { agent_id: 'a', conversation_id: 'c', conversation_initiation_client_data: { dynamic_variables: { full_audio: 'mine' } } } } // prettier-ignore
    expect(readEventBody(Buffer.from(JSON.stringify(lead)))).toEqual({ ok: true, json: lead })
    const inside = { full_audio: 'first', ...sound('SUQz') }
    expect(readEventBody(Buffer.from(JSON.stringify(inside)))).toMatchObject({ ok: true, json: inside, audio: { byteLength: 3 } }) // prettier-ignore
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.json({ maxDepth: 2 }), fc.boolean(), async (bytes, more, isSpaced) => {
        const base64 = Buffer.from(bytes).toString('base64')
        const event = { more: JSON.parse(more) as unknown, ...sound(base64) }
        const text = JSON.stringify(event, null, isSpaced ? 1 : undefined)
        for (const body of [text, Buffer.from(text)]) {
          const read = readEventBody(body)
          if (!read.ok) throw new Error(read.reason)
          const pieces: Uint8Array[] = []
          for await (const piece of read.audio!.chunks()) pieces.push(piece)
          expect(Buffer.concat(pieces).equals(bytes)).toBe(true)
          expect(read.audio!.base64()).toBe(base64)
        }
      }),
      { numRuns: 200 },
    ) // prettier-ignore
  })

  test('that is no base64 fails where it is read', async () => {
    const send = processOf(new ManualClock(NOW), { onEvent: async ({ audio }) => { for await (const piece of audio!.chunks()) expect(piece).toBeDefined() } }) // prettier-ignore
    expect(await send(sound('SUQz????'))).toMatchObject({ status: 500 })
  })

  test('is in memory twice at most; others wait, and when too many do they are told to come again', async () => {
    const clock = new ManualClock(NOW)
    const finish: (() => void)[] = []
    const send = processOf(clock, { onEvent: () => new Promise<void>((resolve) => finish.push(resolve)) })
    const answers = Array.from({ length: 20 }, (_, i) => send({ ...sound('SUQz'), event_timestamp: i }, { isChunked: true })) // prettier-ignore
    for (let i = 0; i < 10; i++) await turn()
    expect(finish).toHaveLength(2)
    await clock.advanceAsync(5000) // answered, and still worked on: they keep their places
    for (let i = 0; i < 10; i++) await turn()
    expect(finish).toHaveLength(2)
    expect((await Promise.all(answers.slice(18))).map((answer) => answer?.status)).toEqual([503, 503])
    void send(ended('conv_9')) // a small one passes them
    for (let i = 0; i < 10; i++) await turn()
    expect(finish).toHaveLength(3)
    finish.splice(0).forEach((done) => done())
    for (let i = 0; i < 10; i++) await turn()
    expect(finish).toHaveLength(2) // and the next two are taken in
  })
})
