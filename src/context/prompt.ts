/**
 * What the agent is told about the call: a block for the prompt, and a receptionist's whole prompt.
 *
 * @module
 */
import { promptText } from './variables.js'

/** Whom a call is with. */
export interface PromptLead {
  readonly firstName?: string
  readonly lastName?: string
  readonly phone?: string
  readonly source?: string
  /** 0 to 100. */
  readonly score?: number
}

/** What a call is about. */
export interface PromptProperty {
  readonly address?: string
  readonly city?: string
  readonly state?: string
  readonly type?: string
  readonly condition?: string
}

export interface CallContext {
  readonly lead?: PromptLead
  readonly property?: PromptProperty
  /** Default `Qualify property and schedule viewing` when there is a property. */
  readonly objective?: string
  /** More lines, label and value. */
  readonly more?: Readonly<Record<string, string | number | boolean | undefined>>
}

/**
 * The `## CALL CONTEXT` block. A line whose value is not known is left out. Values are the words of other people: each is made harmless by
 * {@link promptText}, so that none can end its line or begin a section of its own.
 */
export function callContextBlock(context: CallContext): string {
  const { lead = {}, property, more = {} } = context
  const place = property && [property.address, property.city, property.state].filter(Boolean).join(', ')
  const objective = context.objective ?? (property ? 'Qualify property and schedule viewing' : undefined)
  const lines: [string, unknown][] = [
    ['Lead Name', [lead.firstName, lead.lastName].filter(Boolean).join(' ')],
    ['Lead Phone', lead.phone],
    ['Lead Source', lead.source],
    ['Property Address', place],
    ['Property Type', property?.type],
    ['Property Condition', property?.condition],
    ['Lead Quality Score', lead.score === undefined ? undefined : `${lead.score}/100`],
    ['Conversation Objective', objective],
    ...Object.entries(more),
  ]
  const told = lines
    .map(([label, value]) => [promptText(label, { maxChars: 80 }), promptText(value)] as const)
    .filter(([label, value]) => label !== '' && value !== '')
  return ['## CALL CONTEXT', ...told.map(([label, value]) => `- ${label}: ${value}`), ''].join('\n')
}

/** A prompt with the block of this call behind it. */
export function withCallContext(basePrompt: string, context: CallContext): string {
  return `${basePrompt}\n\n${callContextBlock(context)}`
}

/** The prompt of a receptionist. `{{business_name}}` is a dynamic variable; the tools are those of `appointmentTools`. */
export const RECEPTIONIST_PROMPT = `You are a friendly and professional AI receptionist for {{business_name}}. Your role is to help customers with:

1. **Booking Appointments**: Help customers schedule appointments by:
   - Asking what service they need
   - Checking availability using the check_availability tool
   - Collecting their name and contact information
   - Confirming the booking

2. **Service Information**: Provide details about services, prices, and duration using the get_services tool.

3. **Business Hours**: Share operating hours using the get_business_hours tool.

4. **Appointment Management**: Help customers cancel or reschedule appointments.

Guidelines:
- Always be polite and professional
- Confirm details before making bookings
- If you can't help with something, offer to connect them with a human
- Keep responses concise and natural for voice conversation
- When listing options, limit to 3-4 items at a time

Start by greeting the caller and asking how you can help them today.
`
