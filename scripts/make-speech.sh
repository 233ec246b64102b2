#!/bin/sh
# Makes the demo's speech again: assets/speech/*.ulaw and assets/speech/utterances.json.
# Needs espeak-ng and sox, e.g. `apt-get install espeak-ng sox`.
set -eu
cd "$(dirname "$0")/../assets/speech"
rm -f ./*.ulaw
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
list="$work/list"
: > "$list"

# utterance NAME SPEAKER TEXT: synthesises, takes the silence off both ends, and keeps it as raw 8 kHz mono mu-law.
utterance() {
  case "$2" in
    agent) set -- "$1" "$2" "$3" en-us+f3 172 ;;
    caller) set -- "$1" "$2" "$3" en-gb+m3 165 ;;
  esac
  espeak-ng -v "$4" -s "$5" -w "$work/$1.wav" "$3"
  sox -D "$work/$1.wav" -r 8000 -c 1 -e mu-law -t raw "$1.ulaw" \
    silence 1 0.01 0.5% reverse silence 1 0.01 0.5% reverse gain -6 highpass 120 gain -n -4 pad 0 0.02
  bytes=$(wc -c < "$1.ulaw")
  printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$((bytes / 8))" "$3" >> "$list"
}

utterance greeting agent "Hello, thank you for calling Riverside Dental. My name is Robin, I am an automated assistant, and this call may be recorded. Our opening hours are Monday to Friday, from eight in the morning until six in the evening. How can I help you today?"
utterance move-request caller "Sorry, I just need to move my appointment."
utterance ask-confirmation agent "Of course. What is your confirmation number?"
utterance confirmation-number caller "It is A seventeen."
utterance one-moment agent "One moment, let me look that up."
utterance offer agent "Thank you, I found it. I can offer you Thursday at ten thirty. Shall I book that?"
utterance accept caller "Yes please, that works."
utterance goodbye agent "Done. You are booked for Thursday at ten thirty. Thank you for calling Riverside Dental, goodbye."
utterance apology agent "I am sorry, something went wrong on our side. Please call again in a few minutes. Goodbye."

awk -F '\t' '
  BEGIN { print "{" }
  { if (NR > 1) print ","; printf "  \"%s\": {\n    \"speaker\": \"%s\",\n    \"durationMs\": %s,\n    \"text\": \"%s\"\n  }", $1, $2, $3, $4 }
  END { print "\n}" }
' "$list" > utterances.json
ls -l
