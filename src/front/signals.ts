/**
 * Stops in order when the process is told to.
 *
 * @module
 */

/** The few members that we need of Node's `process`. */
export interface SignalledProcess {
  on(signal: string, listener: () => void): unknown
  off(signal: string, listener: () => void): unknown
  readonly pid: number
  kill(pid: number, signal: string): unknown
}

/**
 * Closes on the first of the signals, and then lets the signal do what it does to a process that nobody guards: end it. A second signal ends it at
 * once.
 *
 * @returns A function that listens no more.
 */
export function closeOn(
  signals: readonly string[],
  close: () => Promise<void>,
  signalled: SignalledProcess = process,
): () => void {
  const listeners = signals.map((signal) => [signal, () => stop(signal)] as const)
  const unlisten = (): void => {
    for (const [signal, listener] of listeners) signalled.off(signal, listener)
  }
  const stop = (signal: string): void => {
    unlisten()
    close().then(
      () => signalled.kill(signalled.pid, signal),
      () => signalled.kill(signalled.pid, signal),
    )
  }
  for (const [signal, listener] of listeners) signalled.on(signal, listener)
  return unlisten
}
