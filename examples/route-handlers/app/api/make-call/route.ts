/** Our own page asks for a call to a lead. */
import { verifySharedSecret } from 'callweave/webhooks'
import { theVoice } from '../../../voice.js'

export async function POST(request: Request): Promise<Response> {
  // Your session check: these calls cost money and ring at people's homes.
  const secret = process.env.MAKE_CALL_KEY
  if (secret === undefined || !verifySharedSecret({ secret, header: request.headers.get('x-api-key') }).ok) {
    return Response.json({ error: 'Unauthorized' }, { status: 401 })
  }
  const body = (await request.json().catch(() => undefined)) as { leadId?: unknown } | undefined
  if (typeof body?.leadId !== 'string') return Response.json({ error: 'leadId is required' }, { status: 400 })

  const voice = await theVoice()
  const result = await voice.calls.place({
    leadId: body.leadId, // the number stands in the lead's record, and no other is dialled
    sellerId: 'close-loop',
    via: 'register-call',
    recording: 'off',
    ringSeconds: 30,
  })
  switch (result.outcome) {
    case 'placed':
      return Response.json({ success: true, callSid: result.callSid })
    case 'refused':
      return Response.json(
        { error: 'The call is not allowed', failedChecks: result.decision.failedChecks },
        { status: 403 },
      )
    case 'failed':
      return Response.json({ error: result.failure.meaning }, { status: 502 })
    default: // it is being looked for, or somebody else is placing it: not to be asked for again
      return Response.json({ success: true, callSid: null, attemptId: result.attemptId }, { status: 202 })
  }
}
