/**
 * Plays Twilio and ElevenLabs for any number of calls, against any candidate, with the same traffic.
 *
 * A process of its own, asked by the runner. `port` is where its agents are: REST for a signed URL, and the sockets.
 *
 * @module
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocket, WebSocketServer } from 'ws'
import { signTwilioRequest } from '../src/webhooks/twilio-signing.js'
import { ACCOUNT_SID, AUTH_TOKEN } from './account.js'
import { sumAccounts, type Account } from './accounting.js'
import { AgentEnd } from './agent-end.js'
import { BenchCall } from './bench-call.js'
import { CallerEnd } from './caller-end.js'
import { serve } from './channel.js'
import { newMeasured, type Measured } from './measurements.js'

/** Whom to call. */
export interface Target {
  readonly kind: 'relay' | 'bridge'
  readonly port: number
}

/** What became of all calls since the last time. */
export interface Outcome {
  readonly calls: number
  readonly up: Account
  readonly down: Account
  readonly starvedMs: number
  readonly unansweredPings: number
  /** Calls whose sockets closed before they were hung up. */
  readonly dropped: number
}

interface Live {
  readonly call: BenchCall
  caller: CallerEnd | undefined
  agent: AgentEnd | undefined
  isHungUp: boolean
}

const live = new Map<string, Live>()
const finished: BenchCall[] = []
let measured: Measured | undefined
let numbers = 0
let dropped = 0
let openDelayMs = 0
let port = 0

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** One timer for everything: whatever is due is sent. */
setInterval(() => {
  const nowMs = performance.now()
  for (const { caller, agent } of live.values()) {
    caller?.tick(nowMs)
    agent?.tick(nowMs)
  }
}, 1)

const agents = new WebSocketServer({ noServer: true, perMessageDeflate: false, clientTracking: false })
const server = createServer((_request, response) => {
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ signed_url: `ws://127.0.0.1:${port}/v1/convai/conversation`, conversation_id: 'conv' }))
})
server.on('upgrade', (request, raw: Duplex, head) => {
  setTimeout(() => {
    agents.handleUpgrade(request, raw, head, (socket) => {
      socket.on('error', () => undefined)
      socket.on('message', function first(data) {
        // Either the initiation, or what the relay makes of Twilio's start: both name the call.
        const entry = live.get(/CA[0-9a-f]{32}/.exec((data as Buffer).toString('latin1'))?.[0] ?? '')
        if (!entry) return
        socket.off('message', first)
        entry.agent = new AgentEnd(entry.call, socket)
        socket.on('close', () => noteClose(entry))
      })
    })
  }, openDelayMs)
})

function noteClose(entry: Live): void {
  if (!entry.isHungUp) dropped++
}

/** Rings, and connects the media socket `headStartMs` after the webhook was answered. Resolves when the agent is heard. */
async function place(target: Target, headStartMs: number): Promise<Live> {
  const call = new BenchCall(++numbers, () => measured)
  const entry: Live = { call, caller: undefined, agent: undefined, isHungUp: false }
  live.set(call.callSid, entry)
  const token = target.kind === 'bridge' ? await ring(call, target.port) : undefined
  await pause(headStartMs)
  const path = target.kind === 'bridge' ? '/voice/stream' : '/'
  const url = `ws://127.0.0.1:${target.port}${path}`
  const headers = { 'x-twilio-signature': signTwilioRequest({ authToken: AUTH_TOKEN, url }) }
  const socket = new WebSocket(url, { headers, perMessageDeflate: false })
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  socket.on('error', () => undefined)
  socket.on('close', () => noteClose(entry))
  entry.caller = new CallerEnd(call, socket)
  entry.caller.start(token)
  for (let waitedMs = 0; !call.hasHeard; waitedMs += 5) {
    if (waitedMs > 10_000) throw new Error('a call heard no greeting within 10 s')
    await pause(5)
  }
  return entry
}

/** Twilio's voice webhook. @returns The token that the answer's `<Parameter>` carries. */
async function ring({ callSid }: BenchCall, candidatePort: number): Promise<string> {
  const url = `http://127.0.0.1:${candidatePort}/voice/inbound`
  const params = {
    AccountSid: ACCOUNT_SID,
    CallSid: callSid,
    From: '+15005550001',
    To: '+15005550006',
    CallStatus: 'ringing',
  }
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'x-twilio-signature': signTwilioRequest({ authToken: AUTH_TOKEN, url, params }) },
    body: new URLSearchParams(params),
  })
  const token = /name="token" value="([^"]+)"/.exec(await response.text())?.[1]
  if (token === undefined) throw new Error(`the voice webhook was answered with ${response.status} and no token`)
  return token
}

function hangUp(entry: Live): void {
  entry.isHungUp = true
  entry.caller?.hangUp()
  entry.agent?.hangUp()
  live.delete(entry.call.callSid)
  finished.push(entry.call)
}

/** Stops sending, lets everything arrive and be played, and hangs up. */
async function settle(entries: readonly Live[]): Promise<void> {
  for (const { caller, agent } of entries) {
    caller?.pause()
    agent?.pause()
  }
  const deadlineMs = performance.now() + 8000
  const isOwed = ({ call }: Live) => call.up.account.lost + call.down.account.lost > 0
  while (performance.now() < deadlineMs && entries.some(isOwed)) await pause(20)
  entries.forEach(hangUp)
}

const answers = {
  /** Opens `calls`, so many a second, and resolves when each agent was heard. */
  async open({ calls, perSecond, target }: { calls: number; perSecond: number; target: Target }): Promise<void> {
    const placed = []
    for (let i = 0; i < calls; i++) {
      placed.push(place(target, 0))
      await pause(1000 / perSecond)
    }
    await Promise.all(placed)
  },
  measure(): void {
    measured = newMeasured()
  },
  /** What was measured since. */
  measured(): Measured | undefined {
    const result = measured
    measured = undefined
    return result
  },
  /** No agent begins to speak any more. What has been said is still to be played. */
  quiet(): void {
    for (const { agent } of live.values()) agent?.pause()
  },
  cpu(): number {
    const { user, system } = process.cpuUsage()
    return user + system
  },
  /** Replaces the oldest `calls` by new ones. */
  async churn({ calls, target }: { calls: number; target: Target }): Promise<void> {
    await settle([...live.values()].slice(0, calls))
    await Promise.all(Array.from({ length: calls }, () => place(target, 0)))
  },
  /** Ends every call, and tells what became of all of them. */
  async close(): Promise<Outcome> {
    await settle([...live.values()])
    const calls = finished.splice(0)
    const outcome = {
      calls: calls.length,
      up: sumAccounts(calls.map(({ up }) => up.account)),
      down: sumAccounts(calls.map(({ down }) => down.account)),
      starvedMs: calls.reduce((sum, call) => sum + call.starvedMs, 0),
      unansweredPings: calls.reduce((sum, call) => sum + call.unansweredPings, 0),
      dropped,
    }
    dropped = 0
    await pause(500)
    return outcome
  },
  /** Calls one at a time whose agent's socket takes `openMs` to open. */
  async greet(options: { calls: number; openMs: number; headStartMs: number; target: Target }): Promise<void> {
    openDelayMs = options.openMs
    try {
      for (let i = 0; i < options.calls; i++) hangUp(await place(options.target, options.headStartMs))
    } finally {
      openDelayMs = 0
    }
  },
}

server.listen(0, '127.0.0.1', () => {
  port = (server.address() as AddressInfo).port
  serve(port, answers)
})
