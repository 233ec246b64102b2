/**
 * What building and rendering TwiML costs, against the `twilio` package on the same documents in the same run.
 *
 * @module
 */
import { createRequire } from 'node:module'
import {
  connect,
  conversationRelay,
  gather,
  hangup,
  mediaStreamResponse,
  pause,
  response,
  say,
  sayAs,
  speechBreak,
} from '../src/twiml/index.js'
import { median } from './accounting.js'
import { figure, spread, type Figure } from './report.js'
import type { Extent } from './setting.js'

type Node = Record<string, (...args: unknown[]) => Node>

interface Case {
  readonly name: string
  readonly ours: () => string
  readonly theirs: () => string
}

const DOCUMENTS_A_ROUND = 1000

const MENU =
  'Press 1 to schedule a property viewing. Press 2 to speak with an agent. Press 3 to be removed from our list.'
const GREETING = `Hi Ana, this is calling about your property at 12 "Elm" St & Main. Do you have a moment to chat?`

function cases(create: () => Node): readonly Case[] {
  const url = 'wss://voice.example.com/media-stream'
  return [
    {
      name: 'media stream with a lead-in and a token',
      ours: () => mediaStreamResponse({ url, parameters: { token: 'b8a1c5f0d3' }, action: '/ended' }).toString(),
      theirs: () => {
        const r = create()
        r['say']!('Please wait while we connect your call.')
        r['connect']!({ action: '/ended' })['stream']!({ url })['parameter']!({ name: 'token', value: 'b8a1c5f0d3' })
        return r['toString']!() as unknown as string
      },
    },
    {
      name: 'menu',
      ours: () =>
        response(
          gather({ action: '/twiml/process-input', method: 'POST', timeout: 10, numDigits: 1 }, say(MENU)),
          say("We didn't receive any input. Goodbye."),
        ).toString(),
      theirs: () => {
        const r = create()
        r['gather']!({ action: '/twiml/process-input', method: 'POST', timeout: 10, numDigits: 1 })['say']!(MENU)
        r['say']!("We didn't receive any input. Goodbye.")
        return r['toString']!() as unknown as string
      },
    },
    {
      name: 'conversation relay with four languages',
      ours: () => {
        const languages = ['en-US', 'es-ES', 'pt-BR', 'zh-CN'].map((code) => ({
          code,
          ttsProvider: 'ElevenLabs' as const,
        }))
        const relay = conversationRelay({
          url,
          welcomeGreeting: GREETING,
          ttsProvider: 'ElevenLabs',
          voice: 'UgBBYS2sOqTuMpoF3BR0',
          interruptible: 'speech',
          languages,
          parameters: { lead_id: '42', lead_name: 'Ana', property_address: '12 "Elm" St & Main' },
        })
        return response(connect({ action: '/relay-ended' }, relay)).toString()
      },
      theirs: () => {
        const r = create()
        const relay = r['connect']!({ action: '/relay-ended' })['conversationRelay']!({
          url,
          welcomeGreeting: GREETING,
          ttsProvider: 'ElevenLabs',
          voice: 'UgBBYS2sOqTuMpoF3BR0',
          interruptible: 'speech',
          dtmfDetection: true,
        })
        for (const code of ['en-US', 'es-ES', 'pt-BR', 'zh-CN']) relay['language']!({ code, ttsProvider: 'ElevenLabs' })
        relay['parameter']!({ name: 'lead_id', value: '42' })
        relay['parameter']!({ name: 'lead_name', value: 'Ana' })
        relay['parameter']!({ name: 'property_address', value: '12 "Elm" St & Main' })
        return r['toString']!() as unknown as string
      },
    },
    {
      name: 'speech mark-up',
      ours: () =>
        response(
          say(
            [
              'Your number is ',
              sayAs('5550100', { 'interpret-as': 'telephone' }),
              speechBreak({ time: '1s' }),
              'Goodbye.',
            ],
            {
              voice: 'Polly.Joanna-Neural',
            },
          ),
          pause({ length: 2 }),
          hangup(),
        ).toString(),
      theirs: () => {
        const r = create()
        const s = r['say']!({ voice: 'Polly.Joanna-Neural' }, 'Your number is ')
        s['sayAs']!({ 'interpret-as': 'telephone' }, '5550100')
        s['break']!({ time: '1s' })
        s['addText']!('Goodbye.')
        r['pause']!({ length: 2 })
        r['hangup']!()
        return r['toString']!() as unknown as string
      },
    },
  ]
}

function microsecondsADocument(render: () => string): number {
  const before = process.cpuUsage() // processor time: other work on the machine is not measured with it
  for (let i = 0; i < DOCUMENTS_A_ROUND; i++) if (render().length < 100) throw new Error('a document came out short')
  const { user, system } = process.cpuUsage(before)
  return (user + system) / DOCUMENTS_A_ROUND
}

/** A figure for each document: how many times as fast as `VoiceResponse` of the `twilio` package, building included. */
export function benchTwiml({ isQuick }: Extent): Promise<readonly Figure[]> {
  const require = createRequire(import.meta.url)
  const VoiceResponse = require('twilio/lib/twiml/VoiceResponse.js') as new () => Node
  const figures = cases(() => new VoiceResponse()).map(({ name, ours, theirs }) => {
    if (ours().length !== theirs().length) throw new Error(`${name}: the two documents differ`)
    const ratios = []
    for (let round = -2; round < (isQuick ? 5 : 15); round++) {
      const theirUs = microsecondsADocument(theirs)
      const ratio = theirUs / microsecondsADocument(ours)
      if (round >= 0) ratios.push(ratio) // the first two warm up
    }
    return figure({
      what: `TwiML rendering: ${name}`,
      reached: `${spread(ratios, median(ratios), 1)} \u00d7`,
      target: '\u2265 5 \u00d7',
      value: median(ratios),
      atLeast: 5,
    })
  })
  return Promise.resolve(figures)
}
