/**
 * What a tool costs besides its handler, and what checking a signature of ElevenLabs costs against the official helper.
 *
 * @module
 */
import type * as agentTools from 'callweave/agent-tools'
import type * as elevenlabs from 'callweave/elevenlabs'
import type * as webhooks from 'callweave/webhooks'
import { createHmac } from 'node:crypto'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'
import { z } from 'zod'
import { median } from './accounting.js'
import { Delays } from './measurements.js'
import { figure, spread, type Figure } from './report.js'
import type { Extent } from './setting.js'

const CALLS = 100
const UNDER_MS = 3
const AT_LEAST = 5
const SECRET = 'wsec_0123456789abcdef0123456789abcdef'
const BATCH = 500

function built<T>(entry: string): Promise<T> {
  return import(new URL(`../dist/${entry}.js`, import.meta.url).href) as Promise<T>
}

/** Both figures. */
export async function benchTools({ isQuick }: Extent): Promise<readonly Figure[]> {
  return [await roundTrip(isQuick ? 20 : 60), ...(await signatures(isQuick ? 5 : 15))]
}

/**
 * 100 agents, each on a socket of its own in this process, ask for a tool every 100 ms; each of our conversations checks parameters, runs the
 * handler and answers. Measured from the agent's send to the arrival of the answer, so both wires are in it.
 */
async function roundTrip(rounds: number): Promise<Figure> {
  const { connectConversation } = await built<typeof elevenlabs>('elevenlabs')
  const { ToolRegistry, defineTool } = await built<typeof agentTools>('agent-tools')
  const lookup = defineTool({
    name: 'lookup',
    description: 'Looks something up',
    parameters: z.object({ id: z.string(), count: z.number() }),
    handler: ({ id, count }) => ({ id, count, message: 'Found.' }),
  })
  const registry = new ToolRegistry([lookup])
  const delays = new Delays()
  const agents: WebSocket[] = []
  const sent = new Map<string, number>()
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false })
  await new Promise((resolve) => server.once('listening', resolve))
  server.on('connection', (socket) => {
    agents.push(socket)
    socket.on('message', (data) => {
      const message = JSON.parse((data as Buffer).toString()) as {
        type?: string
        tool_call_id?: string
        result?: string
      }
      if (message.type === 'conversation_initiation_client_data') {
        const event = { conversation_id: `conv_${agents.length}`, agent_output_audio_format: 'ulaw_8000', user_input_audio_format: 'ulaw_8000' } // prettier-ignore
        socket.send(JSON.stringify({ type: 'conversation_initiation_metadata', conversation_initiation_metadata_event: event })) // prettier-ignore
      }
      if (message.type !== 'client_tool_result') return
      const at = sent.get(message.tool_call_id ?? '')
      if (at === undefined || !message.result?.includes('Found.')) throw new Error('a tool was answered otherwise')
      sent.delete(message.tool_call_id ?? '')
      delays.add(performance.now() - at)
    })
  })
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const conversations = await Promise.all(
    Array.from({ length: CALLS }, () =>
      connectConversation({
        url,
        onToolCall: ({ toolName, parameters, toolCallId }, { signal }) =>
          registry.run({ toolName, parameters, context: { tenantId: 'acme', call: {}, toolCallId, signal } }),
      }),
    ),
  )
  for (let round = -5; round < rounds; round++) {
    if (round === 0) await new Promise((resolve) => setTimeout(resolve, 100))
    for (const [i, socket] of agents.entries()) {
      const id = `call_${round}_${i}`
      const request = { tool_name: 'lookup', tool_call_id: id, parameters: { id: 'A17', count: '3' }, event_id: 1 }
      setTimeout(() => {
        sent.set(id, performance.now())
        socket.send(JSON.stringify({ type: 'client_tool_call', client_tool_call: request }))
      }, i) // one after the other, as calls do
    }
    await new Promise((resolve) => setTimeout(resolve, 110))
    if (round < 0) delays.clear() // the first warm up
  }
  for (const conversation of conversations) conversation.close()
  for (const socket of agents) socket.terminate()
  server.close()
  const p99 = delays.quantile(0.99)
  return figure({
    what: `Tool round trip at ${CALLS} calls, p99, both wires in it`,
    reached: `${p99.toFixed(2)} ms (median ${delays.quantile(0.5).toFixed(2)} ms, ${delays.size} requests)`,
    target: `< ${UNDER_MS} ms`,
    value: p99,
    atMost: UNDER_MS,
  })
}

type Helper = (body: string, header: string) => Promise<unknown>

/** The official helper where it is installed (`ELEVENLABS_SDK_PATH`: its folder); else what it computes, written anew. */
function officialHelper(): { readonly name: string; readonly check: Helper } {
  const folder = process.env.ELEVENLABS_SDK_PATH
  if (folder !== undefined) {
    const sdk = createRequire(import.meta.url)(folder) as { ElevenLabsClient: new (options: object) => { webhooks: { constructEvent(body: string, header: string, secret: string): Promise<unknown> } } } // prettier-ignore
    const { webhooks: theirs } = new sdk.ElevenLabsClient({ apiKey: 'none' })
    return { name: 'the official helper', check: (body, header) => theirs.constructEvent(body, header, SECRET) }
  }
  return {
    name: 'WebCrypto as the official helper uses it (it is not installed)',
    check: async (body, header) => {
      const timestamp = /t=(\d+)/.exec(header)?.[1] ?? ''
      const encoder = new TextEncoder()
      const algorithm = { name: 'HMAC', hash: 'SHA-256' }
      const key = await crypto.subtle.importKey('raw', encoder.encode(SECRET), algorithm, false, ['sign'])
      const signed = await crypto.subtle.sign('HMAC', key, encoder.encode(`${timestamp}.${body}`))
      const hex = Array.from(new Uint8Array(signed), (byte) => byte.toString(16).padStart(2, '0')).join('')
      if (`v0=${hex}` !== header.split(',')[1]) throw new Error('signature')
      return JSON.parse(body) as unknown
    },
  }
}

/**
 * Both sides from the same text to the same proven, parsed event, in processor time: the helper computes on other threads. Parsing is the same
 * work on either side, and is measured by itself to say what the check is without it.
 */
async function signatures(rounds: number): Promise<readonly Figure[]> {
  const { verifyElevenLabsWebhook } = await built<typeof webhooks>('webhooks')
  const { name, check } = officialHelper()
  const turns = (count: number): object[] => Array.from({ length: count }, (_, i) => ({ role: i % 2 ? 'user' : 'agent', message: 'Where is my parcel?', time_in_call_secs: i })) // prettier-ignore
  const figures: Figure[] = []
  for (const [what, count] of [['1 KB', 8], ['20 KB', 280]] as const) {
    const data = { agent_id: 'agent_1', conversation_id: 'conv_1', transcript: turns(count) }
    const timestamp = Math.floor(Date.now() / 1000)
    const body = JSON.stringify({ type: 'post_call_transcription', event_timestamp: timestamp, data })
    const signature = `t=${timestamp},v0=${createHmac('sha256', SECRET).update(`${timestamp}.${body}`).digest('hex')}`
    const whole: number[] = []
    const alone: number[] = []
    const ourUs: number[] = []
    const parseUs: number[] = []
    for (let round = -2; round < rounds; round++) {
      const theirs = await microsecondsEach(() => check(body, signature))
      const parse = await microsecondsEach(() => JSON.parse(body) as unknown)
      const ours = await microsecondsEach(() => {
        if (!verifyElevenLabsWebhook({ secret: SECRET, signature, body }).ok) throw new Error('refused')
      })
      if (round < 0) continue // the first two warm up
      whole.push(theirs / ours)
      alone.push((theirs - parse) / Math.max(0.1, ours - parse))
      ourUs.push(ours)
      parseUs.push(parse)
    }
    const of = `ElevenLabs signature, ${what} of transcript`
    figures.push(
      figure({
        what: `${of}, the check, speed against ${name}`,
        reached: `${spread(alone, median(alone), 1)} ×`,
        target: `≥ ${AT_LEAST} ×`,
        value: median(alone),
        atLeast: AT_LEAST,
      }),
      figure({
        what: `${of}, the check and the parsed event, speed against the same`,
        reached: `${spread(whole, median(whole), 1)} ×, ${median(ourUs).toFixed(1)} µs, of which parsing is ${median(parseUs).toFixed(1)}`,
        target: `≥ ${AT_LEAST} ×`,
        value: median(whole),
        atLeast: AT_LEAST,
      }),
    )
  } // prettier-ignore
  return figures
}

async function microsecondsEach(work: () => unknown): Promise<number> {
  const before = process.cpuUsage()
  for (let i = 0; i < BATCH; i++) await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / BATCH
}
