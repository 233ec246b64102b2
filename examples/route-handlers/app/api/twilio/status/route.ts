/** Twilio tells what becomes of a call. */
import { answerTwilio } from '../../../../voice.js'

export const POST = answerTwilio
