/**
 * A host and a simulator that find each other, and close after each test.
 *
 * @module
 */
import { afterEach } from 'vitest'
import { TwilioSimulator, type InboundCallOptions, type TwilioSimulatorOptions } from '../../../src/simulator/index.js'
import { steppedClock } from '../../support/stepped-clock.js'
import { PUBLIC_HOST, startHost, xml, type SmallHostOptions } from './small-host.js'

export const AUTH_TOKEN = '0123456789abcdef0123456789abcdef'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

/** As fast as this machine can, and no busier machine changes what happens. */
export async function setUp(host: Omit<SmallHostOptions, 'authToken'>, options: TwilioSimulatorOptions = {}) {
  const app = await startHost({ authToken: AUTH_TOKEN, ...host })
  const simulator = await TwilioSimulator.start({
    authToken: AUTH_TOKEN,
    clock: steppedClock(),
    publicHosts: { [PUBLIC_HOST]: app.origin },
    ...options,
  })
  closers.push(app.close, () => simulator.close())
  return { app, simulator }
}

export const at = (path: string): string => `https://${PUBLIC_HOST}${path}`

export const inbound = (options: Partial<InboundCallOptions> = {}): InboundCallOptions => ({
  from: '+12025550100',
  to: '+12025550199',
  voiceUrl: at('/voice'),
  ...options,
})

/** TwiML that connects a stream, then does what comes after. */
export const connect = (after = '', attributes = ''): string =>
  xml(`<Connect${attributes}><Stream url="wss://${PUBLIC_HOST}/media"/></Connect>${after}`)
