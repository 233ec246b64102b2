/**
 * What was said or written, reduced to what the opt-out rules look at: lower-case words without accents or punctuation.
 *
 * @module
 */

/** Longer than anybody says in one turn. What is beyond is not looked at. */
const MAX_CHARS = 2000

/** Words that change nothing about what is asked. */
const FILLERS =
  /\b(?:please|pls|kindly|just|simply|um+|uh+|er+|hey|hello|hi|oh|okay|ok|really|actually|literally|seriously|fucking|freaking|damn|goddamn|por favor|favor|porfa(?:vor)?|oiga|oye|mire|mira|pues|eh|senor(?:a|ita)? por favor)\b/g

/**
 * One space between words and none outside; `do not` and `don't` alike are `dont`. A last `é` is kept as `eh`: in Spanish it
 * tells what I did (`olvidé mi número`) from what I ask (`olvide mi número`).
 */
export function normaliseUtterance(text: string): string {
  return text
    .slice(0, MAX_CHARS)
    .normalize('NFD')
    .toLowerCase()
    .replace(/([a-z\u0300-\u036f]{3})e\u0301(?![a-z])/g, '$1eh')
    .replace(/[\u0300-\u036f]/g, '')
    .replace(/['\u2019\u02bc`]/g, '')
    .replace(/[^a-z0-9]+/g, ' ')
    .replace(/\bdo not\b/g, 'dont')
    .replace(/\bwill not\b/g, 'wont')
    .replace(/\b(?:can not|cannot)\b/g, 'cant')
    .replace(/\bi am\b/g, 'im')
    .replace(/\bany more\b/g, 'anymore')
    .replace(FILLERS, ' ')
    .replace(/ +/g, ' ')
    .trim()
}

/** The last sentence of several, normalised: where people put the one word that counts. */
export function lastSentence(text: string): string {
  const sentences = text.slice(0, MAX_CHARS).split(/[.!?\u00a1\u00bf;]+/)
  return normaliseUtterance(sentences.findLast((sentence) => /\p{L}/u.test(sentence)) ?? '')
}
