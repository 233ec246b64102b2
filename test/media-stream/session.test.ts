import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../src/core/clock.js'
import { VoiceError } from '../../src/core/errors.js'
import { socketPair } from '../../src/core/socket.js'
import { Playback } from '../../src/media-stream/playback.js'
import { deafSocket } from './deaf-socket.js'
import { MediaStreamSession } from '../../src/media-stream/session.js'
import type { MediaStreamEnd, MediaStreamSessionOptions } from '../../src/media-stream/session-options.js'

const FRAME = Buffer.alloc(160, 0x7f).toString('base64')
const SILENT = Buffer.alloc(160, 0xff).toString('base64')

const CONNECTED = { event: 'connected', protocol: 'Call', version: '1.0.0' }
const START = {
  event: 'start',
  sequenceNumber: '1',
  streamSid: 'MZ1',
  start: {
    accountSid: 'AC1',
    streamSid: 'MZ1',
    callSid: 'CA1',
    tracks: ['inbound'],
    mediaFormat: { encoding: 'audio/x-mulaw', sampleRate: 8000, channels: 1 },
    customParameters: { token: 'secret-token' },
  },
}
const media = (timestampMs: number, payload = FRAME, streamSid = 'MZ1') => ({
  event: 'media',
  sequenceNumber: '2',
  media: { track: 'inbound', chunk: '1', timestamp: String(timestampMs), payload },
  streamSid,
})
const dtmf = (digit: string) => ({
  event: 'dtmf',
  streamSid: 'MZ1',
  sequenceNumber: '5',
  dtmf: { track: 'inbound_track', digit },
})
const STOP = { event: 'stop', sequenceNumber: '9', streamSid: 'MZ1', stop: { accountSid: 'AC1', callSid: 'CA1' } }

const settled = async () => {
  for (let i = 0; i < 10; i++) await Promise.resolve()
}

function setup(options: Partial<MediaStreamSessionOptions> = {}) {
  const clock = new ManualClock()
  const [socket, twilio] = socketPair()
  const sent: { event: string; [key: string]: unknown }[] = []
  const closes: number[] = []
  twilio.listen({
    message: (text) => sent.push(JSON.parse(text) as { event: string }),
    binary: () => undefined,
    close: (code) => closes.push(code),
  })
  const heard: [string, number][] = []
  const log: unknown[][] = []
  const session = new MediaStreamSession({ socket, clock, ...options })
  let end: MediaStreamEnd | undefined
  void session.ended.then((how) => (end = how))
  session.on('start', (start) => {
    log.push(['start', start.callSid])
    session.connect({ onMedia: (payload, timestampMs) => heard.push([payload, timestampMs]) })
  })
  session.on('dtmf', (digit) => log.push(['dtmf', digit]))
  session.on('ended', ({ reason }) => log.push(['ended', reason]))
  const send = (...messages: object[]) => {
    for (const message of messages) twilio.send(JSON.stringify(message))
  }
  const started = async () => {
    send(CONNECTED, START)
    await settled()
  }
  return { clock, session, twilio, sent, closes, heard, log, send, started, end: () => end }
}

describe('MediaStreamSession', () => {
  test('tells the start, hands on audio with its time, and tells keys', async () => {
    const { session, heard, log, send, started } = setup()
    await started()
    send(media(0), media(20), dtmf('5'))
    expect(session.state).toBe('streaming')
    expect(session.start).toEqual({
      streamSid: 'MZ1',
      callSid: 'CA1',
      accountSid: 'AC1',
      customParameters: { token: 'secret-token' },
    })
    expect(heard).toEqual([[FRAME, 0], [FRAME, 20]]) // prettier-ignore
    expect(log).toEqual([['start', 'CA1'], ['dtmf', '5']]) // prettier-ignore
  })

  test('sends with exactly the fields that Twilio takes', async () => {
    const { session, sent, started } = setup()
    await started()
    session.media('QUFB')
    session.mark('m')
    session.clear()
    expect(sent).toEqual([
      { event: 'media', streamSid: 'MZ1', media: { payload: 'QUFB' } },
      { event: 'mark', streamSid: 'MZ1', mark: { name: 'm' } },
      { event: 'clear', streamSid: 'MZ1' },
    ])
  })

  test('its playback is fed by the marks that come back', async () => {
    const { session, send, sent, started } = setup()
    session.playback.enqueue('turn-1', Buffer.alloc(480, 0x7f).toString('base64'))
    await started()
    expect(sent.map(({ event }) => event)).toEqual(['media', 'mark'])
    send({ event: 'mark', sequenceNumber: '3', streamSid: 'MZ1', mark: { name: 'g0-1' } })
    expect(session.playback.heardMs('turn-1')).toBe(60)
  })

  test('a playback that was filled before the stream came is taken over', async () => {
    const { session, sent, clock, send } = setup()
    const playback = new Playback({ clock })
    playback.enqueue('greeting', FRAME)
    session.on('start', () => session.connect({ playback }))
    send(CONNECTED, START)
    await settled()
    expect(sent[0]).toMatchObject({ event: 'media', media: { payload: FRAME } })
    expect(() => session.connect({ playback: new Playback({ clock }) })).toThrow(TypeError)
  })

  describe('gaps', () => {
    test('are filled with silence, at their time', async () => {
      const { session, heard, send, started } = setup()
      await started()
      send(media(100), media(160))
      expect(heard).toEqual([[FRAME, 100], [SILENT, 120], [SILENT, 140], [FRAME, 160]]) // prettier-ignore
      expect(session.counts).toMatchObject({ media: 2, padded: 2, late: 0 })
    })

    test('longer than the limit are filled up to it', async () => {
      const { session, send, started } = setup({ maxGapMs: 200 })
      await started()
      send(media(0), media(3_600_000))
      expect(session.counts.padded).toBe(10)
    })

    test('a frame whose time was filled is dropped', async () => {
      const { session, heard, send, started } = setup()
      await started()
      send(media(0), media(40), media(20))
      expect(heard.map(([, at]) => at)).toEqual([0, 20, 40])
      expect(session.counts.late).toBe(1)
    })

    test('whatever the order, what is handed on runs forward in time', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.nat({ max: 200 }), { maxLength: 60 }), async (frames) => {
          const { heard, send, started } = setup()
          await started()
          for (const frame of frames) send(media(frame * 20))
          const times = heard.map(([, at]) => at)
          expect(times).toEqual([...times].sort((a, b) => a - b))
          expect(new Set(times).size).toBe(times.length)
        }),
      )
    })
  })

  describe('authorisation', () => {
    test('until it is there audio is held, bounded, and no byte is handed on', async () => {
      let allow: (isAllowed: boolean) => void = () => undefined
      const { heard, send } = setup({ authorize: () => new Promise((resolve) => (allow = resolve)), maxHeldMs: 100 })
      send(CONNECTED, START)
      for (let i = 0; i < 10; i++) send(media(i * 20))
      await settled()
      expect(heard).toEqual([])
      allow(true)
      await settled()
      expect(heard.map(([, at]) => at)).toEqual([100, 120, 140, 160, 180])
    })

    test.each<[string, () => boolean | Promise<boolean>]>([
      ['says no', () => false],
      ['says no later', () => Promise.resolve(false)],
      [
        'throws',
        (): boolean => {
          throw new Error('secret-token')
        },
      ],
      ['rejects', () => Promise.reject(new Error('secret-token'))],
    ])('when it %s the stream is closed with 1008 and the token is not repeated', async (_, authorize) => {
      const { session, closes, heard, send, started, log } = setup({ authorize })
      await started()
      send(media(0))
      expect(closes).toEqual([1008])
      expect(heard).toEqual([])
      const { reason, error } = await session.ended
      expect([reason, error?.code]).toEqual(['failed', 'media_stream_unauthorized'])
      expect(error?.message).not.toContain('secret-token')
      expect(log).toEqual([['ended', 'failed']])
    })

    test('when it never answers the stream is closed', async () => {
      const { clock, session, started } = setup({ authorize: () => new Promise(() => undefined), startTimeoutMs: 3000 })
      await started()
      clock.advance(3000)
      expect((await session.ended).error?.code).toBe('media_stream_start_timeout')
    })

    test('an answer that comes after the caller hung up changes nothing', async () => {
      let allow: (isAllowed: boolean) => void = () => undefined
      const { twilio, log, send } = setup({ authorize: () => new Promise((resolve) => (allow = resolve)) })
      send(CONNECTED, START)
      twilio.close(1000)
      allow(true)
      await settled()
      expect(log).toEqual([['ended', 'socket-closed']])
    })
  })

  describe('the end', () => {
    test('by stop', async () => {
      const { session, closes, started, send } = setup()
      await started()
      send(STOP)
      expect(await session.ended).toEqual({ reason: 'stopped', error: undefined, closeCode: 1000 })
      expect(closes).toEqual([1000])
    })

    test('by a socket that is gone without a stop', async () => {
      const { session, twilio, started } = setup()
      await started()
      twilio.terminate()
      expect(await session.ended).toEqual({ reason: 'socket-closed', error: undefined, closeCode: 1006 })
    })

    test('by us, twice', async () => {
      const { session, closes, started, log } = setup()
      await started()
      session.close()
      session.close(1011)
      expect((await session.ended).reason).toBe('closed')
      expect(closes).toEqual([1000])
      expect(log.filter(([name]) => name === 'ended')).toHaveLength(1)
    })

    test.each(['nothing', 'connected', 'start', 'media'])(
      'leaves no timer and sends nothing, whether it comes after %s',
      async (after) => {
        const { clock, session, twilio, sent, send } = setup()
        if (after !== 'nothing') send(CONNECTED)
        if (after === 'start' || after === 'media') send(START)
        await settled()
        if (after === 'media') {
          send(media(0))
          session.playback.enqueue('turn-1', Buffer.alloc(80_000).toString('base64'))
        }
        const before = sent.length
        twilio.terminate()
        await session.ended
        session.media('QUFB')
        session.playback.enqueue('turn-2', FRAME)
        clock.advance(600_000)
        expect(sent.length).toBe(before)
        expect(clock.pendingTimers).toBe(0)
      },
    )

    test('by silence', async () => {
      const { clock, session, started, send } = setup({ silenceTimeoutMs: 5000 })
      await started()
      clock.advance(4000)
      send(media(0))
      clock.advance(4900)
      expect(session.state).toBe('streaming')
      clock.advance(1100)
      expect((await session.ended).error?.code).toBe('media_stream_silent')
    })

    test('by a start that never comes', async () => {
      const { clock, session, closes, send } = setup({ startTimeoutMs: 2000 })
      send(CONNECTED)
      clock.advance(2000)
      expect((await session.ended).error?.code).toBe('media_stream_start_timeout')
      expect(closes).toEqual([1008])
    })
  })

  describe('a peer that is slow or gone', () => {
    test('a closing handshake that is never answered is waited for two seconds, then the line is dropped', async () => {
      const clock = new ManualClock()
      const socket = deafSocket({ answersClose: false })
      const session = new MediaStreamSession({ socket, clock })
      let isClosed = false
      void session.closed.then(() => (isClosed = true))
      session.close()
      expect((await session.ended).reason).toBe('closed')
      clock.advance(1999)
      await settled()
      expect([socket.isTerminated, isClosed]).toEqual([false, false])
      clock.advance(1)
      await settled()
      expect([socket.isTerminated, isClosed]).toEqual([true, true])
      expect(clock.pendingTimers).toBe(0)
    })

    test('one that reads nothing is given up before it fills our memory', async () => {
      const clock = new ManualClock()
      const socket = deafSocket()
      const session = new MediaStreamSession({ socket, clock, maxUnsentBytes: 10_000 })
      socket.say(JSON.stringify(START))
      await settled()
      session.playback.enqueue('turn-1', Buffer.alloc(8 * 60_000).toString('base64'))
      clock.advance(60_000)
      expect((await session.ended).error?.code).toBe('media_stream_stalled')
      expect(socket.bufferedAmount).toBeLessThan(14_000)
      clock.advance(10_000)
      expect(clock.pendingTimers).toBe(0)
    })

    test('a socket that says 1009 says that a message was too large', async () => {
      const socket = deafSocket()
      const session = new MediaStreamSession({ socket, clock: new ManualClock() })
      socket.hangUp(1009)
      expect(await session.ended).toMatchObject({ reason: 'failed', closeCode: 1009, error: { code: 'media_stream_message_too_large' } }) // prettier-ignore
    })
  })

  describe('a peer that breaks the protocol', () => {
    test('a message that is too long closes the stream', async () => {
      const { session, closes, started, twilio } = setup()
      await started()
      twilio.send(`{"event":"x","pad":"${'a'.repeat(70_000)}"}`)
      expect((await session.ended).error?.code).toBe('media_stream_message_too_large')
      expect(closes).toEqual([1009])
    })

    test('a message that is too long closes the stream even if it is audio in the common spelling', async () => {
      const { session, heard, closes, send } = setup({ maxMessageChars: 1000 })
      send(CONNECTED, START)
      await settled()
      send({ ...media(0, FRAME.repeat(10)) })
      expect((await session.ended).error?.code).toBe('media_stream_message_too_large')
      expect(heard).toEqual([])
      expect(closes).toEqual([1009])
    })

    test('ten bad messages in a row close the stream; a good one in between starts the count again', async () => {
      const { session, closes, started, twilio, send } = setup()
      await started()
      for (let i = 0; i < 9; i++) twilio.send('{"event":')
      send(media(0))
      for (let i = 0; i < 9; i++) twilio.send('nonsense')
      expect(session.state).toBe('streaming')
      twilio.send('nonsense')
      expect((await session.ended).error?.code).toBe('media_stream_message_invalid')
      expect(closes).toEqual([1007])
    })

    test('audio before the start, a second start, a message of another stream, an unknown mark: each is counted and nothing else', async () => {
      const { session, heard, log, send, started } = setup()
      send(CONNECTED, media(0))
      await started()
      send(START, { ...START, streamSid: 'MZ2' }, media(0, FRAME, 'MZ2'), { event: 'mark', sequenceNumber: '1', streamSid: 'MZ1', mark: { name: 'never-sent' } }, { ...STOP, streamSid: 'MZ2' }, { event: 'heartbeat' }) // prettier-ignore
      await settled()
      expect(session.state).toBe('streaming')
      expect(heard).toEqual([])
      expect(log).toEqual([['start', 'CA1']])
      // audio, second connected, second start twice, two of MZ2, the unknown type
      expect(session.counts.ignored).toBe(7)
    })

    test('a media message without audio is counted and nothing else', async () => {
      const { session, heard, started, send } = setup()
      await started()
      for (let i = 0; i < 50; i++) send(media(i * 20, ''))
      expect(heard).toEqual([])
      expect(session.counts).toMatchObject({ media: 0, ignored: 50 })
    })

    test('a stranger\u2019s frames are held by what they play: five seconds, and not 250 messages of any length', async () => {
      const { session, send, sent } = setup({ authorize: () => new Promise(() => undefined) })
      send(CONNECTED, START)
      const long = Buffer.alloc(8 * 2000, 0x7f).toString('base64')
      for (let i = 0; i < 250; i++) send(media(i * 2000, long))
      await settled()
      const heard: string[] = []
      session.connect({ onMedia: (payload) => heard.push(payload) })
      expect(session.state).toBe('authorizing')
      expect(heard).toEqual([])
      expect(sent).toEqual([])
    })

    test('what was held is handed on when the token is right: the last five seconds', async () => {
      let allow: (isAllowed: boolean) => void = () => undefined
      const { send, heard } = setup({ authorize: () => new Promise((resolve) => (allow = resolve)) })
      send(CONNECTED, START)
      for (let i = 0; i < 10; i++) send(media(i * 1000, Buffer.alloc(8000, i).toString('base64')))
      await settled()
      allow(true)
      await settled()
      expect(heard.map(([payload]) => Buffer.from(payload, 'base64')[0])).toEqual([5, 6, 7, 8, 9])
    })

    test('one time stamp far ahead does not silence the caller: the time line is followed again', async () => {
      const { heard, started, send, session } = setup()
      await started()
      send(media(0), media(999_999_999))
      const before = heard.length
      for (let i = 1; i <= 50; i++) send(media(i * 20))
      expect(session.counts.late).toBe(10)
      expect(heard.length - before).toBe(40)
    })

    test('a handler that throws harms nobody: neither at the start, nor at a frame, a key or a mark', async () => {
      const lines: string[] = []
      const log = (message: string, fields?: object): void => void lines.push(`${message} ${JSON.stringify(fields)}`)
      const { session, started, send, twilio } = setup({ logger: { debug: log, info: log, warn: log, error: log } })
      const fail = (): never => {
        throw new Error('the card number is 4071')
      }
      for (const event of ['start', 'dtmf', 'ended'] as const) session.on(event, fail)
      session.playback.on('started', fail)
      session.playback.on('played', fail)
      await started()
      session.connect({ onMedia: fail })
      session.playback.enqueue('turn-1', FRAME)
      send(media(0), dtmf('4'), { event: 'mark', sequenceNumber: '1', streamSid: 'MZ1', mark: { name: 'g0-1' } })
      expect(session.state).toBe('streaming')
      expect(session.playback.heardMs('turn-1')).toBe(20)
      twilio.terminate()
      expect((await session.ended).reason).toBe('socket-closed')
      expect(lines.length).toBeGreaterThanOrEqual(5)
      expect(lines.join()).not.toMatch(/4071/)
    })

    test('an unknown type is not repeated in the log unless it is a word', async () => {
      const lines: string[] = []
      const log = (message: string): void => void lines.push(message)
      for (const event of ['+12025550143', 'call me\n at once', 'heartbeat']) {
        const { send, started } = setup({ logger: { debug: log, info: log, warn: log, error: log } })
        await started()
        send({ event })
      }
      expect(lines.join('|')).not.toMatch(/2025550143|call me/)
      expect(lines.join('|')).toMatch(/"heartbeat"/)
    })

    test('a stream in another format is refused', async () => {
      const { session, send } = setup()
      send(CONNECTED, {
        ...START,
        start: { ...START.start, mediaFormat: { encoding: 'audio/l16', sampleRate: 16_000, channels: 1 } },
      })
      expect((await session.ended).error).toBeInstanceOf(VoiceError)
    })

    test('whatever is sent in whatever order, it lives or ends once, with a typed error, and leaves no timer', async () => {
      const message = fc.oneof(
        fc.constantFrom<object>(CONNECTED, START, STOP, media(0), media(20), dtmf('1'), { event: 'mark', sequenceNumber: '1', streamSid: 'MZ1', mark: { name: 'g0-1' } }), // prettier-ignore
        fc.json().map((json) => ({ event: 'media', media: json })),
        fc.string(),
      )
      await fc.assert(
        fc.asyncProperty(fc.array(message, { maxLength: 30 }), fc.boolean(), async (messages, isAllowed) => {
          const { clock, session, twilio, log, end } = setup({ authorize: () => isAllowed })
          for (const one of messages) {
            twilio.send(typeof one === 'string' ? one : JSON.stringify(one))
            await settled()
          }
          twilio.terminate()
          await settled()
          expect(log.filter(([name]) => name === 'ended')).toHaveLength(1)
          expect(end()?.error === undefined || end()?.error instanceof VoiceError).toBe(true)
          expect(session.state).toBe('stopped')
          expect(clock.pendingTimers).toBe(0)
        }),
        { numRuns: 400 },
      )
    })
  })
})
