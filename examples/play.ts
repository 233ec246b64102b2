/** Plays a story: ends with 0 when everything was as it should be, and else with 1 and a plain sentence. */

/**
 * Plays it.
 *
 * @param story - Throws when something is not as it should be; the message of what it throws is the sentence.
 */
export async function play(story: () => Promise<void>): Promise<void> {
  try {
    await story()
  } catch (error) {
    console.error(`Not as it should be: ${error instanceof Error ? error.message : String(error)}`)
    process.exit(1) // whatever still listens
  }
}
