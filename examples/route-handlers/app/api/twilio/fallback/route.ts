/** Twilio could not use another of our answers. */
import { answerTwilio } from '../../../../voice.js'

export const POST = answerTwilio
