/**
 * Other people's listeners, run where an exception would end the process: in the event of a socket or of a timer.
 *
 * @module
 */
import type { LogFields, Logger } from './logger.js'

/** Runs `emit`; what a listener throws is logged, and harms neither the call nor the process. */
export function runListeners(logger: Logger, event: string, emit: () => void, fields: LogFields = {}): void {
  try {
    emit()
  } catch (error) {
    logger.error('A listener threw', { ...fields, event, error })
  }
}
