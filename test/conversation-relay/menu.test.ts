import { describe, expect, test } from 'vitest'
import { menuBrain, scriptedBrain } from '../../src/conversation-relay/menu.js'
import { prompt, settled, setup } from './relay-set-up.js'

const menu = () =>
  menuBrain({
    prompt: 'Press 1 to schedule a viewing. Press 2 for hours. Press 3 to be removed from our list.',
    choices: {
      1: async function* (turn) {
        yield `Viewing for ${turn.call.callSid}.`
      },
      2: { prompt: 'Press 1 for weekdays.', choices: { 1: ['Nine to five.'] } },
      3: ['You are off the list. Goodbye.', { end: { reasonCode: 'opt-out' } }],
    },
    words: { 3: ['remove me', 'stop calling'] },
  })
const press = (digit: string) => ({ type: 'dtmf', digit })

describe('a menu', () => {
  test('greets with its choices, and a key chooses at once', async () => {
    const call = setup({ brain: menu(), greetsFirst: true })
    await call.started()
    expect(call.spoken()).toMatch(/^Press 1 to schedule/)
    call.send({ type: 'interrupt', utteranceUntilInterrupt: 'Press 1' }, press('1'))
    await settled()
    expect(call.spoken()).toMatch(/Viewing for CA1\.$/)
  })

  test('a menu in a menu has its own keys', async () => {
    const call = setup({ brain: menu() })
    await call.started()
    call.send(press('2'))
    await settled()
    call.send(press('1'))
    await settled()
    expect(call.spoken()).toBe('Press 1 for weekdays.Nine to five.')
  })

  test('words choose as keys do, as whole words only', async () => {
    const call = setup({ brain: menu() })
    await call.started()
    call.send(prompt('Please REMOVE me, now'))
    await settled()
    call.clock.advance(10_000)
    expect(call.spoken()).toBe('You are off the list. Goodbye.')
    expect(call.sent.at(-1)).toEqual({ type: 'end', handoffData: '{"reasonCode":"opt-out"}' })
    const other = setup({ brain: menu() })
    await other.started()
    other.send(prompt('nonstop callings'))
    await settled()
    expect(other.spoken()).toMatch(/^That is not one of the choices\. Press 1/)
  })

  test('three keys that choose nothing end the call', async () => {
    const call = setup({ brain: menu() })
    await call.started()
    for (const key of '9*#') {
      call.send(press(key))
      await settled()
    }
    call.clock.advance(60_000)
    expect(call.sent.at(-1)).toEqual({ type: 'end', handoffData: '{"reasonCode":"no-choice"}' })
  })

  test('a choice under something that is no key is refused at once', () => {
    expect(() => menuBrain({ prompt: 'x', choices: { 10: ['no'] } })).toThrow(TypeError)
  })
})

test('a script says its lines and notes where the call left it', async () => {
  const brain = scriptedBrain([
    { after: 'hello', reply: ['Hi.'] },
    { after: '42', reply: ['Thanks.'] },
  ])
  const call = setup({ brain })
  await call.started()
  call.send(prompt('hello'))
  await settled()
  call.send(prompt('something else'))
  await settled()
  call.send(prompt('more'))
  await settled()
  expect(call.spoken()).toBe('Hi.Thanks.')
  expect(brain.problems).toEqual(['turn 2: something else was said', 'turn 3: the script has no such line'])
})
