/**
 * Calls whose agent uses variables: what is missing is found before anybody talks to nobody, and somebody is told.
 */
import { describe, expect, test } from 'vitest'
import type { AnswerPlan } from '../../src/voice.js'
import { API_KEY, type PhoneLineOptions } from '../scenarios/phone-line.js'
import { LEAD_NUMBER, OFFICE_NUMBER, officeLine, REQUEST, verbsOf, type OfficeLine } from './office-line.js'

const heard = [{ step: 'wait-for-agent-speech', forMs: 300 }, { step: 'hang-up' }] as const
const sentence = [{ step: 'wait-for-agent-speech', withinMs: 20_000 }, { step: 'expect-hang-up', withinMs: 20_000 }] as const // prettier-ignore
const agent = { prompt: 'You talk to {{customer_name}} about {{ topic }}. {{system__time}}', firstMessage: 'Hello {{customer_name}}.' } // prettier-ignore
const given = { customer_name: 'Ada', topic: 'teeth' }

const lineWith = (voice: PhoneLineOptions['voice'] = {}, more: PhoneLineOptions['agent'] = {}) =>
  officeLine({ agent: { ...agent, ...more }, voice })
const reads = ({ elevenlabs }: OfficeLine) => elevenlabs.requests.filter(({ path }) => path.startsWith('/v1/convai/agents/')).length // prettier-ignore
const logOf = ({ logged }: OfficeLine) => logged.filter((one) => one.startsWith('error')).join('\n')

test('a call that lacks some opens no agent: the caller hears a sentence, and the log has the code and the names', async () => {
  const line = await lineWith({ answer: () => ({ initiation: { dynamicVariables: { topic: 'my-teeth' } } }) })
  const call = line.dial({ script: sentence })
  await call.verify()
  expect(verbsOf(call)).toEqual(['Say', 'Hangup'])
  expect(line.elevenlabs.conversations).toEqual([])
  expect(logOf(line)).toMatch(/A call lacks variables that its agent uses/)
  expect(logOf(line)).toMatch(/elevenlabs_dynamic_variable_missing/)
  expect(logOf(line)).toMatch(/"variables":"customer_name"/)
  expect(line.logged.join()).not.toContain('my-teeth')
  await line.expectNothingLeft()
})

test('one that has them all opens its agent; the settings are read once for many calls', async () => {
  const line = await lineWith({ answer: () => ({ initiation: { dynamicVariables: given } }) })
  for (let i = 0; i < 3; i++) await line.dial({ script: heard }).verify()
  expect(line.elevenlabs.conversations).toHaveLength(3)
  expect(line.elevenlabs.conversations[0]!.dynamicVariables).toMatchObject(given)
  expect(reads(line)).toBe(1)
  await line.clock.sleep(300_000)
  await line.dial({ script: heard }).verify()
  expect(reads(line)).toBe(2)
  await line.expectNothingLeft()
})

test('a default stands in, and what the call says itself wins', async () => {
  const line = await lineWith({
    agentVariables: { defaults: { customer_name: 'there', topic: 'anything' } },
    // A name that nobody knew is no name.
    answer: () => ({ initiation: { dynamicVariables: { topic: 'teeth', customer_name: undefined as never } } }),
  })
  await line.dial({ script: heard }).verify()
  expect(line.elevenlabs.conversations[0]!.dynamicVariables).toMatchObject({ customer_name: 'there', topic: 'teeth' })
  await line.expectNothingLeft()
})

test('texts that the call brings are held to what they use themselves', async () => {
  const overrides = { agent: { firstMessage: 'Hi {{nickname}}.', prompt: { prompt: 'Be kind.' } } }
  const allowed = { allowedOverrides: { agent: { first_message: true, prompt: { prompt: true } } } }
  const plan: { now: AnswerPlan } = { now: { initiation: { overrides } } }
  const line = await lineWith({ answer: () => plan.now }, allowed)
  await line.dial({ script: sentence }).verify()
  expect(logOf(line)).toMatch(/"variables":"nickname"/)
  plan.now = { initiation: { overrides, dynamicVariables: { nickname: 'Countess' } } }
  await line.dial({ script: heard }).verify()
  expect(line.elevenlabs.conversations).toHaveLength(1)
})

test('what tools use counts, but for what a tool’s answer fills in', async () => {
  const tools = [
    { type: 'webhook', name: 'find', api_schema: { url: 'https://x.example/{{secret__key}}' }, assignments: [{ source: 'response', dynamic_variable: 'order_id', value_path: 'id' }] },
    { type: 'webhook', name: 'track', api_schema: { url: 'https://x.example/track/{{order_id}}?key={{secret__key}}' } },
  ] // prettier-ignore
  const prompt = `${agent.prompt} Their order is {{order_id}}.`
  const line = await lineWith({ answer: () => ({ initiation: { dynamicVariables: given } }) }, { tools, prompt })
  await line.dial({ script: sentence }).verify()
  expect(logOf(line)).toMatch(/"variables":"secret__key"/)
})

test('lists of the host’s own need no look-up', async () => {
  const declared = { agent_riverside: ['customer_name', 'topic', 'mood'] }
  const line = await lineWith({ agentVariables: { declared }, answer: () => ({ initiation: { dynamicVariables: given } }) }) // prettier-ignore
  await line.dial({ script: sentence }).verify()
  expect(logOf(line)).toMatch(/"variables":"mood"/)
  expect(line.elevenlabs.requests).toEqual([])
})

test('unchecked, the conversation ends as it begins, and the caller hears the sentence then', async () => {
  const line = await lineWith({ agentVariables: { declared: 'unchecked' } })
  const call = line.dial({ script: sentence })
  await call.verify()
  expect(reads(line)).toBe(0)
  expect(line.elevenlabs.conversations).toHaveLength(1)
  expect(line.seen[0]!.live.bridge.end).toMatchObject({ error: { code: 'elevenlabs_dynamic_variable_missing' } })
})

describe('settings that cannot be had', () => {
  const answer = (): AnswerPlan => ({ initiation: { dynamicVariables: given } })

  test('because the key may not read them: the call goes on, and the log says that it was not checked', async () => {
    const line = await lineWith({ answer })
    line.elevenlabs.failNextRequest({ path: '/agents/', status: 403, times: 10 })
    await line.dial({ script: heard }).verify()
    await line.dial({ script: heard }).verify()
    expect(line.elevenlabs.conversations).toHaveLength(2)
    expect(reads(line)).toBe(1) // and no later caller waits for the next refusal
    expect(line.logged.join('\n')).toMatch(/could not be read: its variables are not checked/)
    expect(line.logged.join()).not.toContain(API_KEY)
  })

  test('in time: the call is answered after a second all the same', async () => {
    const line = await lineWith({ answer })
    line.elevenlabs.failNextRequest({ path: '/agents/', delayMs: 4000 })
    const beforeMs = line.clock.monotonicMs()
    const call = line.dial({ script: heard })
    await line.clock.until(() => line.seen.length > 0)
    expect(line.clock.monotonicMs() - beforeMs).toBeLessThan(2000)
    await call.verify()
    expect(line.logged.join('\n')).toMatch(/took too long: its variables are not checked/)
  })
})

describe('the declared fallback', () => {
  const fallback: AnswerPlan = { via: 'say', text: 'Please call back tomorrow.' }
  test.each<[string, AnswerPlan]>([
    ['conversation-relay', { via: 'conversation-relay', fallback }],
    ['register-call', { via: 'register-call', fallback }],
  ])('of a call via %s is taken', async (_via, plan) => {
    const line = await lineWith({ answer: () => plan })
    const { text } = await line.post('/inbound', { CallSid: 'CA1', From: LEAD_NUMBER, To: OFFICE_NUMBER })
    expect(text).toMatch(/<Say>Please call back tomorrow\.<\/Say>/)
    expect(line.elevenlabs.requests.map(({ path }) => path)).toEqual(['/v1/convai/agents/agent_riverside'])
  })

  test('is not taken where a function of the host’s own answers: it needs no variables', async () => {
    const line = await lineWith({ answer: () => ({ via: 'conversation-relay', brain: async function* () { yield 'Hello from the host.' }, relay: { welcomeGreeting: 'Welcome.' } }) }) // prettier-ignore
    const call = line.dial({ script: heard })
    await call.verify()
    expect(reads(line)).toBe(0)
  })
})

describe('a call that is to be placed', () => {
  test('is not dialled, and leaves no attempt behind', async () => {
    const line = await lineWith()
    const placing = line.voice.calls.place({ ...REQUEST, attemptId: 'a-1', answer: { initiation: { dynamicVariables: { topic: 'x' } } } }) // prettier-ignore
    await expect(placing).rejects.toMatchObject({ name: 'VoiceError', code: 'elevenlabs_dynamic_variable_missing', message: expect.stringMatching(/: customer_name$/) as string }) // prettier-ignore
    expect(line.twilio.calls).toEqual([])
    expect(await line.store.findAttempt({ tenantId: 'default', attemptId: 'a-1' })).toBeUndefined()
  })

  test('is dialled when it has them all, when no agent speaks, and when the host decides later', async () => {
    const all = await lineWith()
    expect(await all.voice.calls.place({ ...REQUEST, answer: { initiation: { dynamicVariables: given } } })).toMatchObject({ outcome: 'placed' }) // prettier-ignore
    const says = await lineWith()
    expect(await says.voice.calls.place({ ...REQUEST, via: 'say', answer: { message: 'Hello.' } })).toMatchObject({ outcome: 'placed' }) // prettier-ignore
    const later = await lineWith({ answerPlaced: () => ({ initiation: { dynamicVariables: given } }) })
    expect(await later.voice.calls.place(REQUEST)).toMatchObject({ outcome: 'placed' })
  })
})
