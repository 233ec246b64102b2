/**
 * From the brain's hand to the wire: how long a token takes through a relay session, with 200 of them talking at once in one process.
 *
 * Each session has its own socket in memory. Every brain yields a token each 5 to 15 ms, all of them out of step; a token carries the moment at which
 * it was handed over. Beside it, in the same run, the same schedule without a session: what the event loop itself costs.
 *
 * @module
 */
import { socketPair } from '../src/core/socket.js'
import { ConversationRelaySession } from '../src/conversation-relay/session.js'

const SESSIONS = 200
const TOKENS = 200
const LIMIT_MS = 2

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
const gapMs = (i: number, k: number): number => 5 + ((i * 7 + k * 13) % 11)

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

function report(name: string, delaysMs: number[]): number {
  const sorted = delaysMs.toSorted((a, b) => a - b)
  const p99 = percentile(sorted, 0.99)
  const figures = [0.5, 0.95, 0.99, 0.999].map((share) => `p${share * 100} ${percentile(sorted, share).toFixed(3)} ms`)
  console.log(
    `${name.padEnd(24)} ${figures.join('  ')}  max ${sorted.at(-1)?.toFixed(3)} ms  (${sorted.length} tokens)`,
  )
  return p99
}

async function throughSessions(): Promise<number[]> {
  const delaysMs: number[] = []
  const talks = Array.from({ length: SESSIONS }, async (_, i) => {
    const [socket, twilio] = socketPair()
    let isOver: () => void = () => undefined
    const over = new Promise<void>((resolve) => (isOver = resolve))
    twilio.listen({
      message: (text) => {
        const message = JSON.parse(text) as { token?: string; last?: boolean }
        if (message.token) delaysMs.push(performance.now() - Number(message.token))
        if (message.last === true) isOver()
      },
      binary: () => undefined,
      close: () => undefined,
    })
    const session = new ConversationRelaySession({
      socket,
      onSilence: 'off',
      maxReplyChars: 1_000_000,
      agentTurnTimeoutMs: 3_600_000,
      brain: async function* () {
        for (let k = 0; k < TOKENS; k++) {
          await sleep(gapMs(i, k))
          yield String(performance.now())
        }
      },
    })
    twilio.send(JSON.stringify({ type: 'setup', sessionId: `VX${i}`, accountSid: 'AC1', callSid: `CA${i}` }))
    twilio.send(JSON.stringify({ type: 'prompt', voicePrompt: 'Hello', lang: 'en-US', last: true }))
    await over
    session.close()
  })
  await Promise.all(talks)
  return delaysMs
}

async function bare(): Promise<number[]> {
  const delaysMs: number[] = []
  await Promise.all(
    Array.from({ length: SESSIONS }, async (_, i) => {
      for (let k = 0; k < TOKENS; k++) {
        await sleep(gapMs(i, k))
        const atMs = performance.now()
        await Promise.resolve()
        delaysMs.push(performance.now() - atMs)
      }
    }),
  )
  return delaysMs
}

console.log(`${SESSIONS} sessions, ${TOKENS} tokens each, Node ${process.version}`)
await throughSessions() // once for the compiler
report('one promise, no session', await bare())
const p99 = report('through a session', await throughSessions())
console.log(`brain to wire: p99 ${p99.toFixed(3)} ms, to be under ${LIMIT_MS} ms`)
if (!(p99 < LIMIT_MS)) process.exitCode = 1
