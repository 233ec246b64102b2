/**
 * How people ask in English not to be called again.
 *
 * The patterns see normalised text. They lean towards hearing a request: to miss one is a call that the law forbids, to hear
 * one too many is a lead lost.
 *
 * @module
 */
import type { OptOutRule } from './phrase-rule.js'

const WORDS_3 = '(?:\\w+ ){0,3}?'
const CALLING =
  '(?:calling|calls?|contacting|phoning|ringing|bothering|texting|texts|messaging|messages|harassing|dialing|dialling|pestering|bugging|hounding|spamming|robocall(?:s|ing)?|soliciting|solicitations?)'
const CALL = '(?:call|contact|phone|ring|dial|text|bother|message|harass|pester|bug|disturb)'
/** What is said behind "don't call me" when it is not about a time, a name or another number. */
const ENDS =
  '(?=$| (?:anymore|again|back|ever|no more|at (?:this|my|home|all)|on (?:this|my)|here|for|about|with|and|or|but|thanks?|thank|i|im|ive|ill|we|were|you|this|its|it|because|cause|cuz|bye|goodbye|under|regarding|dont|stop|never|take|remove|lose|unless|not|by (?:phone|text)|period)\\b)'
const LIST =
  '(?:lists?|database|data base|records?|system|systems|directory|files?|call sheet|contacts?|rolodex|registry|phone ?book|dialer)'
const MINE =
  '(?:me|us|my (?:\\w+ )?(?:name|number|phone|cell|line|info|information|details|contact|contacts)|our (?:\\w+ )?(?:name|number|info|information)|this (?:\\w+ )?(?:number|phone|line)|that number|him|her|them|my (?:wife|husband|mom|mother|dad|father|son|daughter|parents|grandmother|grandma)(?: number)?)'
const NEGATED =
  /\b(?:dont|didnt|never|not|wont|doesnt|isnt|shouldnt|cant|havent|no need to|without)(?: (?:want|wanna|wish|need|like|plan|ever|even|be|have|you|ask|asked|\w+ly))?(?: to)?(?: be)? $/
const TIME_AFTER =
  /^(?: (?:me|us|back|here|anymore))?(?: (?:for|and|or|but))? ?(?:until|till|before|after|so early|so late|today|tonight|right now|at (?:\d|night|lunch|dinner|nine|ten|noon)|on (?:sunday|saturday|weekends)|in the (?:morning|evening)|names)\b/
const HYPOTHETICAL =
  /\b(?:(?:if|when|whenever|before|until|in case) (?:i|we|someone|somebody|people|they|he|she)(?: \w+){0,3}|what happens (?:if|when)(?: \w+){0,4}|did i say|i (?:never|didnt) (?:say|said|ask|asked|tell|told)(?: \w+){0,3}) $/

export const ENGLISH_RULES: readonly OptOutRule[] = [
  {
    id: 'en-stop-calling',
    pattern: new RegExp(
      `\\b(?:stop|quit|cease|discontinue|halt|end (?=(?:\\w+ ){0,2}calls\\b)|ending (?=(?:\\w+ ){0,2}calls\\b))(?: (?:with|all|of))?(?: ${WORDS_3}|  ?)${CALLING}\\b`,
    ),
    unlessBefore:
      /(?:\b(?:dont|didnt|doesnt|never|not|cant|couldnt|shouldnt)(?: \w+)? |(?<!\byou )\bwont (?!you )(?:\w+ )?|\b(?:told|asked|tell|ask|made) (?:him|her|me|my \w+) to |\bwhat time do (?:you|they)(?: \w+)? |\bwhen (?:do|does|did|will) (?:you|they|he|she)(?: \w+)? |\b(?:he|she|kids|ex|boss|son|daughter|bank)(?: \w+)? (?:to )?|(?<!\bhow (?:do|can|would|could|may) )\b(?:i|we) (?:(?:had to|have to|will|decided to) )?|\b(?:if|what happens (?:if|when)) (?:i|we) (?:say|said|ask you to|ask to|tell you to|want to|wanted to)? ?)$/,
    unlessAfter: /^(?: me)? names\b/,
  },
  {
    id: 'en-will-you-stop',
    pattern: new RegExp(
      `\\b(?:(?:why|wont|cant|can|could|would|will|would|make|if|unless) you(?: (?:dont|wont|not|guys|people|all))?|you (?:need|have|got|gotta|must|should|better|ought)(?: to)?|(?:wont|cant) you(?: people| guys)?) (?:\\w+ )?(?:stop|quit) ${WORDS_3}${CALLING}\\b`,
    ),
  },
  {
    id: 'en-dont-call',
    pattern: new RegExp(
      `\\bdont (?:you )?(?:ever |even |dare |dare to |be |keep |all |ya |bother to |you ever )*${CALL}(?: (?:me|us|my (?:\\w+ )?(?:house|home|phone|cell|number|wife|husband|mom|mother|line|office)))?${ENDS}`,
    ),
    unlessBefore: /\b(?:(?:i|we|they|people|friends|why|if you|who|that|kids|usually|he|she)) $/,
    unless: /\bdont call it\b/,
    unlessAfter:
      /^ (?:back )?(?:(?:for|and|or|but|until) )?(?:until|till|before|after|at (?:\d|night|lunch|dinner|nine|ten|noon|the moment)|(?:for )?(?:a|an|another|the next|a couple|two|three)(?: \w+)? (?:hour|hours|minutes?|days?|weeks?|moment|bit|while)|on (?:sunday|saturday|monday|weekends)|so (?:early|late)|this (?:early|late|morning|afternoon|evening|week|weekend)|right now|today|tonight)/,
  },
  {
    id: 'en-dont-keep-calling',
    pattern: new RegExp(`\\bdont (?:you )?(?:ever )?(?:bother|keep|continue|try|start|go on) (?:on )?${CALLING}\\b`),
    unlessBefore: /\b(?:i|we|they|why|he|she) $/,
    unlessAfter: TIME_AFTER,
  },
  {
    id: 'en-dont-call-number',
    pattern: new RegExp(
      `\\bdont (?:you )?(?:ever )?${CALL} (?:this|that|here|my|our)\\b(?! (?:a|an|my|mine|it|off)\\b)`,
    ),
    unlessBefore: /\b(?:i|we|they|why|he|she) $/,
    unlessAfter:
      /^(?: \w+){0,3} (?:until|till|before|after|so early|so late|today|right now|on (?:sunday|saturday|weekends)|(?:call|try|use) (?:my|the|me))\b/,
  },
  {
    id: 'en-never-call',
    pattern: new RegExp(
      `\\bnever (?:ever )?(?:again )?${CALL} (?:(?:me|us|my \\w+|this|here) ?)?(?:$|again|anymore|this|here|number|back|ever|under)`,
    ),
    unlessBefore: /\b(?:he|she|they|people|i|we|guys|nobody|ones|you)(?: (?:just|guys|people|will|would))* $/,
  },
  {
    id: 'en-not-to-call',
    pattern: new RegExp(
      `\\b(?:told|asked|telling|asking|tell|said|say|warned|instructed|note|request|requested|prefer|promise|promised|agreed|supposed|sure)(?: \\w+){0,3}? not to ${CALL}\\b`,
    ),
    unlessBefore: /\b(?:he|she|doctor|boss|agent|lawyer)(?: \w+)? $/,
    unlessAfter: /^(?: \w+){0,3} (?:before|after|until|so early|so late|him|her)\b/,
  },
  {
    id: 'en-not-allowed',
    pattern: new RegExp(
      `\\b(?:(?:youre|you are|were|are) (?:not allowed|not permitted|not authorized|forbidden|not supposed)|(?:you )?(?:have|ve|got) (?:no|zero) (?:right|business|permission|reason|consent)|(?:you )?(?:dont|never|didnt) (?:have|had|get|got) (?:my |any |our )?(?:permission|consent|authorization|the right)|its illegal(?: for you)?) to (?:be )?(?:${CALL}|calling|contacting)\\b`,
    ),
    unlessBefore: /\b(?:i|we|if) $/,
    unlessAfter: TIME_AFTER,
  },
  {
    id: 'en-prefer-not',
    pattern: new RegExp(
      `\\b(?:prefer|rather)(?: \\w+){0,2}? (?:(?:not|no)(?: \\w+){0,3}? (?:called|contacted|calls|calling me|on (?:your|the) list)|(?:you|yall|they) (?:guys |people )?(?:not|didnt|dont|wouldnt|stop|stopped) (?:\\w+ )?(?:${CALL}|calling|contacting))\\b`,
    ),
    unlessAfter: TIME_AFTER,
  },
  {
    id: 'en-or-else',
    pattern: new RegExp(
      `\\bif (?:you|yall|anyone|somebody|anybody) (?:\\w+ ){0,2}?${CALL}(?: \\w+){0,3}?(?: again| one more time| anymore| back)?\\b.{0,60}\\b(?:sue|suing|report|reporting|complaint|lawyer|attorney|police|fcc|ftc|harassment|legal|court)\\b|\\b(?:sue|suing|report|reporting|complaint|lawyer|attorney|police|fcc|ftc|legal action|court)\\b.{0,40}\\bif (?:you|yall|anyone) (?:\\w+ ){0,2}?${CALL}\\b`,
    ),
  },
  {
    id: 'en-enough-calls',
    pattern: new RegExp(`\\b(?:enough|done|fed up|had it) (?:with|of) (?:\\w+ ){0,3}?${CALLING}\\b`),
    unlessBefore: /\b(?:not|are you|when youre|when you are|once youre) $/,
    unless: /\bdone (?:with|of) (?:my|this|the|that) (?:call|calls|text|message)\b/,
  },
  {
    id: 'en-no-more-calls',
    pattern:
      /\bno (?:more|further|additional) (?:\w+ )?(?:calls|calling|phone calls|contact|robocalls|telemarketing|solicitations?|solicitors|texts|marketing|communications?)\b/,
    unlessBefore: /\b(?:have|has|had|are|were|is|was|got|theres|there) $/,
  },
  {
    id: 'en-off-the-list',
    pattern: new RegExp(
      `\\b(?:take|taking|get|remove|removing|removed|delete|deleted|scratch|cross|strike|drop|pull|wipe|erase|clear|scrub|purge|kick|keep|leave|block) ${MINE} (?:out |off |from |of |out of )(?:of )?(?:\\w+ ){0,5}?${LIST}\\b`,
    ),
    unlessBefore: NEGATED,
    unlessAfter: /^ (?:of (?:buyers|bidders|homes|houses|guests)|price)/,
    unless: /\b(?:waiting|wait|guest|short|watch|wish|price|contact him|buyer|reminder) list\b/,
  },
  {
    id: 'en-should-not-be-on-list',
    pattern: new RegExp(
      `\\b(?:shouldnt|should not|dont want to|dont want my (?:\\w+ )?number to|no longer want to|not supposed to|never asked to) be (?:in|on) (?:your|any|the|this) (?:\\w+ ){0,3}?${LIST}\\b`,
    ),
    unless: /\b(?:waiting|wait|guest|short|dont call) list\b/,
  },
  {
    id: 'en-number-out',
    pattern:
      /\b(?:take|get|remove|delete|erase|pull) (?:my|our|this) (?:\w+ )?(?:number|name|info|information) (?:off|out|from)(?= (?:of )?(?:your|whatever|wherever|that|this|the)\b)|\b(?:my|our|this) (?:\w+ )?(?:number|name|info|information) (?:to be )?(?:deleted|removed|erased|taken off|blocked|off (?:of )?(?:your|that|this|the))\b/,
    unlessBefore: NEGATED,
    unless: /\b(?:lease|title|deed|mortgage|contract|loan|offer|waiting list|guest list)\b/,
  },
  {
    id: 'en-honour-request',
    pattern:
      /\b(?:request|wish|wishes|right|rights|decision|asked|asking) (?:to )?not to be (?:called|contacted|bothered|phoned|solicited)\b|\b(?:request|wish|right) to not be (?:called|contacted|bothered|solicited)\b|\bdont (?:ever )?follow up\b|\bknock it off\b/,
  },
  {
    id: 'en-off-list-passive',
    pattern: new RegExp(
      `\\b(?:want|like|need|wish|be|get|was|asked|ask|requested|request|me|us|number)(?: \\w+)?(?: to be)? (?:taken|removed|deleted|off|removal|scrubbed|dropped) (?:off |from |of |out of )?(?:\\w+ ){0,4}?${LIST}\\b`,
    ),
    unlessBefore: NEGATED,
    unless:
      /\b(?:waiting|wait|guest|short|watch|wish|price|buyer|reminder) list\b|\b(?:dont|never|didnt|not) take (?:me|us) off\b/,
  },
  {
    id: 'en-remove-me',
    pattern: new RegExp(
      `\\b(?:take|remove|delete|scratch|erase|unsubscribe) ${MINE}(?: off)?(?=$| (?:now|immediately|today|right now|right away|permanently|completely|and|thanks?|thank|i|im|from (?:this|all|your|any|future|these) (?:\\w+ )?(?:calls?|calling|campaigns?|marketing|telemarketing|contact|dialing|automated)|asap)\\b)`,
    ),
    unlessBefore: /\b(?:dont|didnt|never|not|wont|doesnt|isnt|shouldnt|i|we|they|would that|ill|can you) (?:\w+ )?$/,
    unless:
      /\btake (?:me|us|him|her|them|my \w+) (?:and|i|im|now|today|thanks|thank|right)|\btake (?:me|us|him|her|them|my \w+|this \w+|that number)$/,
  },
  {
    id: 'en-do-not-call-list',
    pattern:
      /\b(?:put|add|place|get|stick|include|enter|register|mark|flag|list|sign|im|were|number is|number has been|numbers|phone is|i was|been|registered|already|i should be|me|us) (?:\w+ ){0,6}?(?:on|to|in|into|as|with|for|under|up for|a) (?:\w+ ){0,5}?(?:dont call|dont contact|no call|dnc)\b/,
    unlessBefore: /\b(?:dont|didnt|never|not|no need to|if|should i|cant) (?:\w+ )?$/,
    unless:
      /\b(?:im not|was not|wasnt|isnt|not) (?:\w+ ){0,2}(?:on|in) (?:\w+ ){0,3}(?:dont call|dnc)|\boff (?:of )?(?:the|your) dont call/,
  },
  {
    id: 'en-opt-out',
    pattern:
      /\b(?:opt (?:me |us |my number |this number )?out|opting out|opted out|unsubscribed?)(?=$| (?:me|us|already|now|today|whatever|immediately|of (?:all|any|this|these|your|the|future|further|everything|receiving|getting|being)|from|and|thanks?|thank|i|im|my number|this number|completely|right|asap)\b)/,
    unlessBefore: new RegExp(
      `${NEGATED.source}|${HYPOTHETICAL.source}|\\b(?:he|she|they|you can always|can i always|can i) $`,
    ),
    unlessAfter:
      /^ (?:of|from) (?:\w+ ){0,2}?(?:hoa|lease|insurance|plan|program|warranty|newsletter|arbitration|school|escrow|inspection|contract|coverage)\b/,
  },
  {
    id: 'en-revoke-consent',
    pattern:
      /\b(?:revoke|revoking|revoked|withdraw|withdrawing|withdrew|rescind|rescinding|retract|taking back|take back|cancel|cancelling|pull) (?:\w+ ){0,3}?(?:consent|permission|authorization|authorisation)\b/,
    unlessBefore: new RegExp(`${NEGATED.source}|${HYPOTHETICAL.source}`),
  },
  {
    id: 'en-no-consent',
    pattern: new RegExp(
      `\\b(?:dont|didnt|never|not) (?:\\w+ )?(?:consent|consented|agree|agreed|give|gave|authorize|authorized)(?: (?:you|anyone|anybody|my|any|to|permission|consent))* (?:\\w+ ){0,3}?(?:calls|calling|called|contacted|to (?:call|contact) (?:me|us|this))\\b`,
    ),
    unlessAfter: /^ (?:being |to be )?record/,
  },
  {
    id: 'en-lose-my-number',
    pattern: /\b(?:lose|forget|delete|erase|get rid of|throw away|tear up|toss|burn) (?:my|this|our) (?:\w+ )?number\b/,
    unlessBefore: /\b(?:dont|didnt|never|not|wont|i|ill|you|we|she|he|did i) $/,
  },
  {
    id: 'en-lose-it',
    pattern: /\bnumber\b.{0,40}\b(?:lose|delete|remove|forget|erase|get rid of) it\b/,
    unless:
      /\b(?:dont|didnt|never|not) (?:\w+ )?(?:lose|delete|remove|forget|erase) it\b|\b(?:i|ill|we|you) (?:lose|delete|forget|erase) it\b/,
  },
  {
    id: 'en-leave-me-alone',
    pattern: /\bleave (?:me|us|my \w+) (?:the \w+ )?alone\b/,
    unlessBefore: /\b(?:dont|didnt|never|wont|doesnt|wouldnt|cant|not|he|she|they) $/,
  },
  {
    id: 'en-not-want-calls',
    pattern: new RegExp(
      `\\b(?:dont|no longer|never|not|didnt) (?:\\w+ )?(?:want|wanna|wish|need|like|care|appreciate|interested in)(?: (?:to|any|anymore|you|anyone|anybody|your|these|this|more|ever|receive|receiving|get|getting|be|being|have|having|people|y all|yall|guys|again|further|for|so|many|such|other|the|from|to be|in|of|automated|robotic|recorded|sales|marketing|unwanted|kinds?))* (?:calls|phone calls|calling|robocalls|call me|call us|call here|call this|call again|call anymore|contacted|called|contact me|contacting|hear from (?:you|your|anyone|this)|hearing from|bothered|solicited|solicitations?|telemarketers?|on (?:your|the|any) (?:\\w+ )?list)\\b`,
    ),
    unlessBefore: /\b(?:he|she|they|you|why) $/,
    unlessAfter:
      /^ (?:a|an|just|only|yet|stupid|before|after|at|until|so early|so late|by (?:my|that)|names|mr|mrs|miss|today|in the (?:morning|evening))\b/,
  },
  {
    id: 'en-want-it-to-stop',
    pattern:
      /\b(?:want|need|make|like|get|demand) (?:it|this|these|that|them|the|your|all)(?: (?:of|these|this|the|your|phone|calls?|robocalls?|calling|nonsense|harassment))* (?:to )?stop(?:ped)?\b/,
    unless: /\bstop (?:by|at|in|for|sign|light)\b/,
  },
  { id: 'en-cease-and-desist', pattern: /\bcease and desist\b/ },
  {
    id: 'en-bare',
    isLastSentence: true,
    pattern:
      /^(?:(?:yes|no|yeah|yep|well|and|so|all of you|you (?:need|have) to|i (?:already )?said(?: to)?|i told you(?: to)?) )?(?:stop(?: (?:it|this|now|stop|already))*|unsubscribe|opt out|optout|(?:opt out ?)+|remove|remove me|take me off|remove my number|dont call|dont contact|no calls|no more|no more calls|stop calls?|dont contact me)(?: (?:now|thanks?|thank you|immediately|bye|already))*$/,
  },
]
