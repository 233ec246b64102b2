/**
 * What Twilio tells of a call beside its status, where the host asked for it: who answered, and that a recording is there.
 *
 * @see https://www.twilio.com/docs/voice/answering-machine-detection (read 2026-11-21)
 * @see https://www.twilio.com/docs/voice/api/recording (read 2026-11-21)
 * @module
 */
import type { AskedDetection, AskedRecording, CallBehaviour } from './call-behaviour.js'
import { API_VERSION, rfc2822 } from './voice-parameters.js'

/** Twilio's verdict, in its word. */
export function verdictOf(
  { answeredBy }: Pick<CallBehaviour, 'answeredBy'>,
  { waitsForEnd }: Pick<AskedDetection, 'waitsForEnd'>,
): string | undefined {
  if (answeredBy !== 'machine') return answeredBy
  return waitsForEnd ? 'machine_end_beep' : 'machine_start'
}

/** The parameters of a recording's callback. Everything is text, and lengths are whole seconds. */
export function recordingParameters(recording: {
  readonly asked: AskedRecording
  readonly sid: string
  readonly status: 'in-progress' | 'completed'
  readonly accountSid: string
  readonly callSid: string
  readonly startedAt: number
  readonly durationMs: number
}): Record<string, string> {
  const { asked, sid, status, accountSid, callSid, startedAt, durationMs } = recording
  return {
    AccountSid: accountSid,
    CallSid: callSid,
    RecordingSid: sid,
    RecordingUrl: `https://api.twilio.com/${API_VERSION}/Accounts/${accountSid}/Recordings/${sid}`,
    RecordingStatus: status,
    // Not known before the end.
    RecordingDuration: status === 'completed' ? String(Math.round(durationMs / 1000)) : '-1',
    RecordingChannels: String(asked.channels),
    RecordingSource: 'OutboundAPI',
    RecordingStartTime: rfc2822(startedAt),
    RecordingTrack: 'both',
    ErrorCode: '0',
  }
}
