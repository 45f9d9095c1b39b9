# Prints what bash completes at the end of each line that it reads: the line behind '== ', then a match a line.
#   drive.bash COMPLETIONS <LINES
# The line is taken apart as readline does it: at blanks outside of quotes, and around '=' and ':'.
source "$1"
specification=$(complete -p apus) || exit
function=${specification#*-F }
function=${function%% *}
while IFS= read -r line; do
  COMP_LINE=$line COMP_POINT=${#line} COMP_WORDS=() word= quote= open=
  for ((place = 0; place < ${#line}; place++)); do
    character=${line:place:1}
    if [[ -n $quote ]]; then
      word+=$character
      [[ $character == "$quote" ]] && quote=
    elif [[ $character == ' ' ]]; then
      [[ -n $open ]] && COMP_WORDS+=("$word")
      word= open=
    elif [[ $character == [=:] ]]; then
      [[ -n $open ]] && COMP_WORDS+=("$word")
      COMP_WORDS+=("$character")
      word= open=
    else
      [[ $character == [\'\"] ]] && quote=$character
      word+=$character open=yes
    fi
  done
  # Right behind '=' the word is that sign; behind a blank, it is empty.
  [[ -z $open && $line == *[=:] ]] || COMP_WORDS+=("$word")
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
  current=${COMP_WORDS[COMP_CWORD]}
  "$function" apus "$current" "${COMP_WORDS[COMP_CWORD - 1]}"
  printf '== %s\n' "$line"
  printf '%s\n' "${COMPREPLY[@]}"
done
