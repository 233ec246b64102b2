/** Twilio asks what to do with a call: somebody called, or whom we called has picked up. */
import { answerTwilio } from '../../../../voice.js'

export const POST = answerTwilio
