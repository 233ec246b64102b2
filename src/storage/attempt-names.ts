/**
 * What is kept about an attempt outside its record, by name: whoever keeps it and whoever erases it has to say the same.
 *
 * @module
 */

/** The cached plan of an attempt. */
export function planKeyOf(attemptId: string): string {
  return `call-plan:${attemptId}`
}

/** The attempt that follows one: the same call, tried again. It grows out of the name, so that whoever schedules it twice schedules it once. */
export function nextAttemptIdOf(attemptId: string): string {
  const [, root = attemptId, number = '1'] = /^(.*)~try(\d{1,6})$/s.exec(attemptId) ?? []
  return `${root}~try${Number(number) + 1}`
}

/** The scheduled work that makes an attempt. */
export function retryWorkIdOf(attemptId: string): string {
  return `retry:${attemptId}`
}
