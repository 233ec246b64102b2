import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { z } from 'zod'
import { ToolRegistry } from '../../../src/agent-tools/registry.js'
import { defineTool } from '../../../src/agent-tools/tool.js'
import { createElevenLabsHandler } from '../../../src/middleware/elevenlabs-handler.js'
import type { ElevenLabsHandlerOptions, ReceivedElevenLabsEvent } from '../../../src/middleware/elevenlabs-options.js'
import { voiceRouter } from '../../../src/middleware/express.js'
import type { CallToolStep, SimulatedToolResult } from '../../../src/simulator/elevenlabs/script.js'
import { ElevenLabsSimulator } from '../../../src/simulator/elevenlabs/simulator.js'

const SECRET = 'wsec_simulated'
const HEADERS = { 'X-Tool-Secret': 'of-the-tools' }

/** A host with one tool that tells how often it ran, and a simulated agent that calls it as it is told. */
async function setup(over: Partial<ElevenLabsHandlerOptions> = {}) {
  let runs = 0
  const book = defineTool({ name: 'book', description: 'Books', once: true, parameters: z.object({ at: z.string() }), handler: () => ++runs }) // prettier-ignore
  const events: ReceivedElevenLabsEvent[] = []
  const app = express()
  const server = createServer(app).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/elevenlabs`
  const handle = createElevenLabsHandler({
    auth: { webhookSecret: SECRET, sharedSecret: { header: 'X-Tool-Secret', secret: HEADERS['X-Tool-Secret'] } },
    findCall: ({ conversationId }) => conversationId === undefined ? undefined : { tenantId: 'acme', callSid: 'CA1' }, // prettier-ignore
    tools: new ToolRegistry([book]),
    onEvent: (event) => void events.push(event),
    ...over,
  })
  app.use(voiceRouter({ handle }))
  const results: SimulatedToolResult[] = []
  let step: CallToolStep | undefined
  const simulator = await ElevenLabsSimulator.start({
    agents: [
      {
        agentId: 'agent_1',
        textOnly: true,
        thinkMs: 0,
        serverTools: { url: `${url}/tools`, headers: HEADERS },
        toolEvents: { url: `${url}/events`, secret: SECRET },
        script: () => step && { ...step, onResult: (result) => void results.push(result) },
      },
    ],
    webhook: { url: `${url}/events`, secret: SECRET, events: ['transcript', 'audio', 'call_initiation_failure'] },
  })
  onTestFinished(async () => {
    await simulator.close()
    server.closeAllConnections()
    server.close()
  })
  async function call(callTool: CallToolStep['callTool']): Promise<unknown> {
    step = { callTool }
    const before = results.length
    const socket = new WebSocket(`${simulator.webSocketUrl}/v1/convai/conversation?agent_id=agent_1`)
    await new Promise((resolve) => socket.once('open', resolve))
    socket.send(JSON.stringify({ type: 'conversation_initiation_client_data' }))
    socket.send(JSON.stringify({ type: 'user_message', text: 'go' }))
    await expect.poll(() => results.length, { timeout: 10_000 }).toBe(before + 1)
    socket.terminate()
    const { result } = results.at(-1)!
    return result === '' ? results.at(-1) : (JSON.parse(result) as unknown)
  }
  return { call, events, simulator, runs: () => runs, url }
}

test.each(['http', 'event'] as const)('a tool is called by the road %s, and repeated, and runs once', async (road) => {
  const { call, runs } = await setup()
  expect(await call({ road, name: 'book', parameters: { at: 'nine' }, times: 3 })).toEqual({ success: true, data: 1 })
  expect(runs()).toBe(1)
})

test('whatever a model makes of parameters, the agent gets an answer that it can speak', async () => {
  const { call } = await setup()
  const parameters = { at: 'nine' }
  for (const road of ['http', 'event'] as const) {
    expect(await call({ road, name: 'book', parameters, garble: 'array' })).toEqual({ success: false, code: 'VALIDATION_ERROR', error: 'The parameters must be one JSON object with named values.' }) // prettier-ignore
    expect(await call({ road, name: 'book', parameters, garble: 'deep' })).toMatchObject({ success: false, code: 'VALIDATION_ERROR', error: 'The parameters are too long.' }) // prettier-ignore
    // A server tool whose body is a text does not say on which call it is; the event says it beside its parameters.
    expect(await call({ road, name: 'book', parameters, garble: 'text' })).toMatchObject(road === 'http' ? { code: 'VALIDATION_ERROR' } : { success: true }) // prettier-ignore
    expect(await call({ road, name: 'book', parameters, garble: 'prototype-keys' })).toMatchObject({ success: true })
    expect(await call({ road, name: 'nothing', parameters })).toMatchObject({ code: 'UNKNOWN_TOOL' })
  }
  expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined()
})

test('ten megabytes of parameters are refused before they are parsed, and the message says how many are taken', async () => {
  const { call } = await setup()
  expect(await call({ road: 'http', name: 'book', garble: 'huge' })).toMatchObject({ code: 'BODY_TOO_LARGE', error: 'The body is larger than 262144 bytes. Send less.' }) // prettier-ignore
  expect(await call({ road: 'event', name: 'book', garble: 'huge' })).toMatchObject({ code: 'VALIDATION_ERROR', error: 'The parameters are too long.' }) // prettier-ignore
})

test('every kind of webhook comes signed, unknown ones too; what is badly signed or repeated changes nothing', async () => {
  const { simulator, events } = await setup()
  const ids = { agent_id: 'agent_1', conversation_id: 'conv_1' }
  await simulator.sendWebhook('post_call_audio', { ...ids, full_audio: 'SUQz' }, { eventTimestamp: 7 })
  await simulator.sendWebhook('post_call_transcription', { ...ids, transcript: [] }, { eventTimestamp: 7, copies: 5 })
  await simulator.sendCallInitiationFailure({ agentId: 'agent_1', reason: 'busy' })
  await simulator.sendWebhook('voice_removed', {})
  for (const signing of [{ secret: 'unsigned' }, { secret: 'wsec_other' }, { ageMs: 31 * 60_000 }, { ageMs: -6 * 60_000 }]) {
    await simulator.sendWebhook('post_call_audio', { ...ids, full_audio: 'SUQz' }, { ...signing, eventTimestamp: 8 })
  } // prettier-ignore
  expect(simulator.webhookDeliveries.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200, 200, 200, 401, 401, 401, 401]) // prettier-ignore
  expect(events.map(({ event }) => (event.type === 'unknown' ? event.name : event.type))).toEqual(['post_call_audio', 'post_call_transcription', 'call_initiation_failure', 'voice_removed']) // prettier-ignore
})
