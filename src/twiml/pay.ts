/**
 * `<Pay>` and its prompts: Twilio takes a payment, and our process never sees the card.
 *
 * @see https://www.twilio.com/docs/voice/twiml/pay (read 2026-11-21)
 * @module
 */
import { kind, make, type Extra, type ExtraElement } from './element.js'
import { parameterElements, type Parameters } from './parameters.js'
import { events, flag, listOf, method, oneOf, text, whole } from './rules.js'
import type { TwimlElement } from './xml.js'

export interface PayAttributes extends Extra {
  readonly input?: 'dtmf'
  readonly action?: string
  readonly bankAccountType?: 'consumer-checking' | 'consumer-savings' | 'commercial-checking' | 'commercial-savings'
  readonly statusCallback?: string
  readonly statusCallbackMethod?: 'GET' | 'POST'
  /** Seconds between keys. Default 5. */
  readonly timeout?: number
  /** Default 1. */
  readonly maxAttempts?: number
  readonly securityCode?: boolean
  /** Whether it is asked for; or the postal code, when it is known. */
  readonly postalCode?: boolean | string
  readonly minPostalCodeLength?: number
  readonly paymentConnector?: string
  readonly paymentMethod?: 'ach-debit' | 'credit-card'
  readonly tokenType?: 'one-time' | 'reusable' | 'payment-method'
  /** The amount, for example `20.45`. Without it the card is kept as a token and nothing is charged. */
  readonly chargeAmount?: string
  readonly currency?: string
  readonly description?: string
  /** For example `visa`, `mastercard`, `amex`. */
  readonly validCardTypes?: readonly string[]
  readonly language?: string
  /** Go to the payment provider. */
  readonly parameters?: Parameters
}

export interface PromptAttributes extends Extra {
  /** The step that this prompt is for. */
  readonly for?:
    | 'payment-card-number'
    | 'expiration-date'
    | 'security-code'
    | 'postal-code'
    | 'payment-processing'
    | 'bank-account-number'
    | 'bank-routing-number'
  readonly errorType?: readonly string[]
  readonly cardType?: readonly string[]
  readonly attempt?: readonly number[]
  readonly requireMatchingInputs?: boolean
}

const PAY = kind<PayAttributes, 'Pay', 'parameters'>(
  'Pay',
  {
    input: oneOf('dtmf'),
    action: text,
    bankAccountType: oneOf('consumer-checking', 'consumer-savings', 'commercial-checking', 'commercial-savings'),
    statusCallback: text,
    statusCallbackMethod: method,
    timeout: whole(0),
    maxAttempts: whole(1),
    securityCode: flag,
    postalCode: (value, ...where) => (typeof value === 'boolean' ? flag : text)(value, ...where),
    minPostalCodeLength: whole(0),
    paymentConnector: text,
    paymentMethod: oneOf('ach-debit', 'credit-card'),
    tokenType: oneOf('one-time', 'reusable', 'payment-method'),
    chargeAmount: text,
    currency: text,
    description: text,
    validCardTypes: events,
    language: text,
  },
  { children: 'Prompt Parameter', aside: ['parameters'] },
)
const PROMPT = kind<PromptAttributes, 'Prompt'>(
  'Prompt',
  {
    for: oneOf(
      'payment-card-number',
      'expiration-date',
      'security-code',
      'postal-code',
      'payment-processing',
      'bank-account-number',
      'bank-routing-number',
    ),
    errorType: events,
    cardType: events,
    attempt: listOf(whole(1)),
    requireMatchingInputs: flag,
  },
  { children: 'Say Play Pause' },
)

/** Takes a payment by keypad. */
export function pay(
  attributes: PayAttributes,
  ...prompts: readonly (TwimlElement<'Prompt'> | ExtraElement)[]
): TwimlElement<'Pay'> {
  return make(PAY, attributes, [...prompts, ...parameterElements(attributes.parameters)])
}

/** What is said at one step of a payment. */
export function prompt(
  attributes: PromptAttributes,
  ...content: readonly (TwimlElement<'Say' | 'Play' | 'Pause'> | ExtraElement)[]
): TwimlElement<'Prompt'> {
  return make(PROMPT, attributes, content)
}
