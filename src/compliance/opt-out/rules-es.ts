/**
 * How people ask in Spanish not to be called again. The patterns see normalised text, so accents are gone: `dejé` and `deje`
 * are one word.
 *
 * @module
 */
import type { OptOutRule } from './phrase-rule.js'

/** To call, as it is commanded or asked: never the plain statement (`no me llama nadie`, `no me llamo Ana`). */
const LLAME =
  '(?:llam(?:e|en|es|eis|ar|arme|arnos|ando|andome|andonos|aran?|asen?)|marqu(?:e|en|es)|marcar(?:me|nos)?|marcando(?:me)?|contact(?:e|en|es|ar|arme|arnos|ando|aran?)|molest(?:e|en|es|ar|arme|arnos|ando|andome|aran?)|habl(?:e|en|es)|hablar(?:me|nos)|hablando(?:me)?|telefone(?:e|en|ar)|busqu(?:e|en|es)|fastidi(?:e|en|es|ar|arme)|escrib(?:a|an|as)|escribir(?:me|nos)|acos(?:e|en|ar|arme))'
const LLAMARME =
  '(?:llamar(?:me|nos|)|molestar(?:me|nos|)|marcar(?:me|nos|)|contactar(?:me|nos|)|hablar(?:me|nos)|mandar(?:me|nos)|escribir(?:me|nos)|acosar(?:me|nos|)|fastidiar(?:me|nos|)|insistir|hacer(?:me)? llamadas|(?:estar )?llamando|estar molestando)'
/** When, or by which name: then it is no request to stop. */
const WHEN_OR_NAME =
  /^(?: (?:mas|otra vez|de nuevo|a mi casa|al trabajo|por telefono))? (?:antes|despues|hasta|tan (?:temprano|tarde)|a (?:las|esta hora|estas horas|mediodia)|en la (?:manana|tarde|noche)|por la (?:manana|tarde|noche)|de noche|manana|hoy|ahora|ahorita|entre semana|mi (?:ex|hermana|hermano|mama)|el (?:precio|lunes|martes|miercoles|jueves|viernes|sabado|domingo|fin)|los (?:fines|domingos|sabados)|senor|senora|senorita|don|dona|asi|mentiros\w|loc\w|tont\w|por mi nombre|de usted|usted|ingles|en ingles|tan rapido|rapido)\b/
const LISTA = '(?:listas?|base de datos|sistema|registros?|directorio|archivos?|agenda|contactos)'
/** To take off, with the person in it: `quíteme`. */
const QUITEME =
  '(?:(?:quit(?:e|en|a|ar)|saqu(?:e|en)|sac(?:a|ar)|borr(?:e|en|a|ar)|elimin(?:e|en|a|ar)|remuev(?:a|an)|remover|retir(?:e|en|ar)|tach(?:e|en|ar)|suprim(?:a|an|ir)|bloque(?:e|en|ar))(?:me|nos))'
/** The same without: `quite mi número`. */
const QUITE =
  '(?:quit(?:e|en|a|ar|aran?)|saqu(?:e|en)|sac(?:a|ar|aran?)|borr(?:e|en|a|ar|aran?)|elimin(?:e|en|a|ar|aran?)|remuev(?:a|an)|remover|retir(?:e|en|ar|aran?)|tach(?:e|en|ar)|suprim(?:a|an|ir)|bloque(?:e|en|ar))'
const MI = '(?:(?:a )?(?:mi|este|nuestro|mis) )'

export const SPANISH_RULES: readonly OptOutRule[] = [
  {
    id: 'es-no-me-llame',
    pattern: new RegExp(
      `\\bno (?:me|nos|le|lo|la|les) (?:vuelv(?:a|an|as) a |sig(?:a|an|as) |est(?:e|en|es) |and(?:e|en|es) |quier(?:a|an) )?${LLAME}\\b`,
    ),
    unlessBefore: /\b(?:porque|espero que|ojala|yo|si|a las \w+) $/,
    unlessAfter: WHEN_OR_NAME,
    unless: /\bllameme a/,
  },
  {
    id: 'es-no-llame-mas',
    pattern: new RegExp(
      `\\bno (?:vuelv(?:a|an|as) a |sig(?:a|an|as) )?${LLAME}(?=$| (?:mas|nunca|jamas|otra vez|de nuevo|nuevamente|aqui|aca|a (?:este|mi|esta)|por|y|gracias|para|ya|adios)\\b)`,
    ),
    unlessBefore: /\b(?:yo|el|ella|por que|porque|lista de) $/,
    unlessAfter: WHEN_OR_NAME,
  },
  {
    id: 'es-no-vuelva-a-llamar',
    pattern: new RegExp(
      `\\b(?:no|nunca|jamas|ni) (?:mas )?(?:me |nos |se le ocurra |se les ocurra )?(?:vuelv(?:a|an|as)|regres(?:e|en)|intent(?:e|en)) (?:a |en )?${LLAMARME}\\b`,
    ),
    unlessAfter: WHEN_OR_NAME,
  },
  {
    id: 'es-no-siga-llamando',
    pattern:
      /\bno (?:me |nos )?(?:sig(?:a|an|as)|contin(?:ue|uen)|est(?:e|en|es)|and(?:e|en|es)) (?:llamando|molestando|marcando|insistiendo|hablando|fastidiando|contactando)(?:me|nos)?\b/,
    unlessAfter: WHEN_OR_NAME,
  },
  {
    id: 'es-deje-de-llamar',
    pattern: new RegExp(
      `\\b(?:dej(?:e|en|a|ar|as|aran|ara|aria|arian)|(?:pare|paren)(?:le)?|para|parar|ces(?:e|en|ar)|termin(?:e|en)|bast(?:a|e)|acab(?:e|en)) (?:ya |usted |ustedes )*(?:de|con) (?:\\w+ ){0,2}?(?:${LLAMARME}|llamadas|llamaderas?)\\b`,
    ),
    unlessBefore: /\b(?:no|nunca|yo|me|cuando|jamas) $/,
    unlessAfter: /^ (?:a (?:mi (?:hijo|hija|hermano|madre|padre|jefe)|el|ella|ellos)|por (?:la|el) (?:noche|dia))\b/,
  },
  {
    id: 'es-paren-las-llamadas',
    pattern:
      /\b(?:pare|paren|cese|cesen|termine|terminen|cancele|cancelen|suspenda|suspendan|detenga|detengan) (?:ya )?(?:con )?(?:las|sus|esas|estas|todas las|tantas) llamadas\b/,
    unlessBefore: /\b(?:no|nunca) $/,
  },
  {
    id: 'es-no-mas-llamadas',
    pattern:
      /\b(?:no|ni) (?:(?:quiero|deseo|necesito|me interesa|acepto|autorizo|voy a aceptar|quisiera) )?(?:recibir |tener )?(?:mas|ninguna?s?|sus|estas|esas|otra) (?:llamadas?|mensajes|ofertas|promociones|publicidad)\b/,
    unlessBefore: /\b(?:tengo|hay|hubo|habra) $/,
    unless: /\bperder|\bno (?:hay|tengo|hubo) mas\b/,
  },
  {
    id: 'es-no-quiero-que-llamen',
    pattern: new RegExp(
      `\\b(?:no|ya no|tampoco|nunca) (?:quiero|deseo|quisiera|autorizo|permito|doy permiso|les doy permiso|le doy permiso|necesito|queremos|acepto)(?: (?:para|a|mas|ya|nunca|recibir))* (?:que (?:me|nos) (?:vuelvan? a |sigan? |esten? )?${LLAME}|que (?:vuelvan?|sigan?) (?:a )?${LLAME}|que ${LLAME}|recibir (?:\\w+ ){0,3}?(?:llamadas|mensajes)|llamadas|saber (?:nada )?(?:mas )?de ustedes|ser (?:contactad[oa]|molestad[oa]|llamad[oa])|estar en (?:\\w+ ){0,2}?lista)`,
    ),
    unlessAfter: WHEN_OR_NAME,
  },
  {
    id: 'es-sin-permiso',
    pattern: new RegExp(
      `\\b(?:no|nunca|jamas) (?:le |les |te )?(?:doy|di|hemos dado|he dado|tienen?|autoric\\w+|autorizo|consient\\w+) (?:mi |el |ningun )?(?:(?:permiso|autorizacion|consentimiento|derecho) )?(?:de|a|para|en) (?:que (?:me|nos) ${LLAME}|llamar(?:me|nos)|contactar(?:me|nos)|molestar(?:me|nos))\\b`,
    ),
  },
  {
    id: 'es-fuera-de-la-lista',
    pattern: new RegExp(
      `\\b(?:como me (?:quito|salgo|borro|saco) |${QUITEME} |(?:me|nos) ${QUITE} |${QUITE} ${MI})(?:\\w+ ){0,5}?(?:de|del|en) (?:\\w+ ){0,2}?${LISTA}\\b`,
    ),
    unlessBefore: /\b(?:no|nunca|yo|ya) (?:me |nos |lo |la )?$/,
    unless: /\blista de (?:espera|precios|invitados|casas|deseos|compradores)\b/,
  },
  {
    id: 'es-borre-mi-numero',
    pattern: new RegExp(
      `\\b(?:${QUITE}|olvid(?:e|en|ese|ense)|pierd(?:a|an)|tir(?:e|en)|romp(?:a|an)) (?:ya |de )?(?:(?:mi|mis|este|nuestro) (?:\\w+ )?(?:numeros?|telefonos?|datos|informacion|contacto|nombre|celular)|(?:del? )?mi numero)\\b`,
    ),
    unlessBefore: /\b(?:no|nunca|yo|se me) (?:me )?$/,
  },
  {
    id: 'es-no-se-comunique',
    pattern:
      /\bno (?:se |me |nos )?(?:vuelv(?:a|an) a )?comuni(?:que|quen|carse|carme)\b(?=$| (?:mas|nunca|conmigo|con (?:nosotros|mi)|otra vez|de nuevo|a este)\b)/,
  },
  {
    id: 'es-prohibo',
    pattern: new RegExp(
      `\\b(?:prohibo|prohibido) (?:\\w+ ){0,3}?(?:que (?:me |nos )?(?:vuelvan? a |sigan? )?)?${LLAME}\\b`,
    ),
  },
  {
    id: 'es-o-si-no',
    pattern:
      /\bsi (?:me |nos )?(?:vuelven?|siguen?) (?:a )?(?:llamar|llamando|molestar|molestando)\w*\b.{0,60}\b(?:demand|denunci|report|abogad|policia|quej)\w*/,
  },
  {
    id: 'es-borrelo',
    pattern: /\bnumero\b.{0,30}\b(?:borrelo|borrenlo|quitelo|quitenlo|eliminelo|eliminenlo|saquelo|olvidelo)\b/,
  },
  {
    id: 'es-lista-de-no-llamar',
    pattern:
      /\b(?:pon(?:ga|gan|me|game|ganme|er|erme)?|agreg\w+|anot\w+|inclu\w+|met\w+|inscrib\w+|registr\w+|estoy|quiero estar|estamos|numero esta|aparezco|apunt\w+) (?:\w+ ){0,6}?(?:lista|registro) (?:\w+ ){0,3}?(?:no (?:me )?(?:llam\w+|contact\w+|molest\w+)|exclusion)/,
    unlessBefore: /\b(?:no|nunca|por que) (?:me )?$/,
  },
  {
    id: 'es-de-baja',
    pattern:
      /\b(?:d(?:ar|arme|arnos|eme|enme|ame|ale|e|en)|quiero|solicito|pido|tramit\w+|quisiera|necesito) (?:\w+ ){0,4}?(?:de baja|la baja|mi baja)(?=$| (?:de (?:\w+ ){0,2}?(?:listas?|llamadas|sistema|sus|estas|este|esto|aqui|todo)|ya|inmediatamente|gracias|y|a (?:mi|este))\b)/,
    unlessBefore: /\bno (?:me |quiero )?$/,
  },
  {
    id: 'es-revoco',
    pattern:
      /\b(?:revoc\w+|retir\w+|cancel\w+|quit\w+|anul\w+) (?:\w+ ){0,3}?(?:consentimiento|permiso|autorizacion)\b/,
    unlessBefore: /\b(?:no|nunca) (?:he |quiero |voy a )?$/,
  },
  {
    id: 'es-dejeme-en-paz',
    pattern:
      /\b(?:dejen? (?=en paz a (?:mi|esta|nosotros)\b) ?|dej(?:e|en|a|ar)(?:me|nos)|me (?:dej(?:e|en|a|an|as))|nos (?:dej(?:e|en|an))) (?:ya |de una vez )?(?:en paz|tranquil[oa]s?)\b/,
    unlessBefore: /\b(?:no|nunca|el|ella|mi \w+) $/,
  },
  {
    id: 'es-nunca-mas',
    pattern: new RegExp(
      `\\b(?:nunca|jamas)(?: (?:mas|jamas))? (?:me|nos|vuelv(?:a|an) a) (?:vuelv(?:a|an) a )?${LLAME}\\b`,
    ),
    unlessBefore: /\b(?:yo|el|ella|que) $/,
  },
  {
    id: 'es-opt-out',
    pattern:
      /\b(?:exclu(?:ya|yan|yame|yanme|ir|irme)|salir(?:me)?|desuscrib\w+|desinscrib\w+|cancel(?:e|en|ar|o) (?:mi |la )?(?:suscripcion|inscripcion))(?=$|(?: \w+){0,3} (?:lista|llamadas|sistema|programa|campana|numero)\b| ya\b| gracias\b)/,
    unlessBefore: /\b(?:no|nunca) (?:quiero )?$/,
  },
  {
    id: 'es-bare',
    isLastSentence: true,
    pattern:
      /^(?:ya |si |no )?(?:alto|pare(?:n)?|para|parar|basta(?: ya)?|stop|no llamar|no llame(?:n)?|no mas(?: llamadas)?|baja|quiteme|quitenme|saqueme|saquenme|borreme|eliminenme|elimineme|dejeme|no molestar|no moleste(?:n)?)(?: ya| gracias| alto| basta)*$/,
  },
]
