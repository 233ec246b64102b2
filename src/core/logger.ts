/**
 * Where log lines go, and the one place that decides what may stand in them.
 *
 * @module
 */

/** Values that stand beside a message. Names in {@link MASKED_FIELDS} are masked before any logger sees them. */
export type LogFields = Readonly<Record<string, unknown>>

/** The few members that we need of any logger; `pino`, `winston` and `console` wrappers fit. */
export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}

/** Says nothing. The default everywhere. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}

/** Field names whose values never reach a logger as they are: who, what was said or keyed, and what is secret. */
const MASKED_FIELDS: ReadonlySet<string> = new Set([
  'from', 'to', 'caller', 'called', 'callerid', 'phone', 'phonenumber', 'number',
  'digit', 'digits', 'transcript', 'text', 'utterance', 'message_text', 'voiceprompt', 'arguments', 'parameters', 'result',
  'token', 'authtoken', 'apikey', 'secret', 'signature', 'signedurl', 'password', 'authorization', 'xiapikey',
  'customparameters', 'dynamicvariables', 'payload', 'body', 'url',
]) // prettier-ignore

/** A copy of `fields` in which whatever could identify a person or open a door is replaced by its kind and length. */
export function maskFields(fields: LogFields): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(fields)) {
    const name = key.toLowerCase().replaceAll(/[-_]/g, '')
    if (MASKED_FIELDS.has(name) && value !== undefined) out[key] = mask(value)
    else if (value instanceof Error) out[key] = describeError(value)
    else out[key] = value
  }
  return out
}

function mask(value: unknown): string {
  if (typeof value === 'string') return `[masked: ${value.length} characters]`
  return `[masked: ${Array.isArray(value) ? 'list' : typeof value}]`
}

function describeError(error: Error): Record<string, unknown> {
  const code = (error as { code?: unknown }).code
  // The message of a foreign error can carry a URL, a number or a body; only ours are known to be clean.
  return code !== undefined ? { name: error.name, code } : { name: error.name }
}

/** Wraps a logger so that every line is masked. A logger that throws is ignored: a log line never breaks a call. */
export function maskingLogger(logger: Logger): Logger {
  if (masking.has(logger)) return logger
  let wrapped = wrappedBy.get(logger)
  if (!wrapped) {
    wrapped = wrap(logger)
    masking.add(wrapped)
    wrappedBy.set(logger, wrapped)
  }
  return wrapped
}

/** Each part of each call asks for one: all of them share it. */
const wrappedBy = new WeakMap<Logger, Logger>()
const masking = new WeakSet<Logger>()

function wrap(logger: Logger): Logger {
  const at =
    (level: keyof Logger) =>
    (message: string, fields?: LogFields): void => {
      try {
        if (fields) logger[level](message, maskFields(fields))
        else logger[level](message)
      } catch {
        // see above
      }
    }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}
