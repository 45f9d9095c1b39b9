# Prints what zsh completes at the end of each line that it reads: the line behind '== ', then a match a line.
#   drive.zsh FOLDER <LINES
# The folder holds the completions, as _apus, and what is needed on the way.
zmodload zsh/zpty zsh/zselect
setup=$1/setup.zsh matches=$1/matches
cat >$setup <<EOF
setopt no_auto_menu no_list_beep
PS1='' LISTMAX=100000 matches=${(q)matches}
fpath=(${(q)1} \$fpath)
autoload -Uz compinit && compinit -u -D
# Whoever offers words offers them here; who only asks which of them match (-A, -D, -O) does not.
compadd() {
  local argument
  for argument in "\$@"; do
    case \$argument in
      (-|--) break ;;
      (-[ADO]|-[a-zA-Z]#[ADO]) builtin compadd "\$@"; return ;;
    esac
  done
  local -a hits
  builtin compadd -A hits "\$@"
  (( \$#hits )) && print -rl -- "\$hits[@]" >>\$matches
  builtin compadd "\$@"
}
capture() { zle complete-word; print -r -- 'END' >>\$matches; zle kill-whole-line }
zle -N capture
bindkey '^I' capture
EOF
zpty shell zsh -f -i
zpty -w shell "setopt extended_glob; source ${(q)setup}; print READY >>${(q)matches}"
# Waits for a last line of that text, for as long as a busy machine may need, and takes what the other shell writes meanwhile.
wait_for() {
  local text
  repeat 6000; do
    zpty -r -t shell text
    [[ -e $matches && $(<$matches) == (*$'\n'|)$1 ]] && return
    zselect -t 1
  done
  print -r -- "no answer from zsh"
  exit 1
}
wait_for READY
while IFS= read -r line; do
  : >$matches
  zpty -w -n shell "$line"$'\t'
  wait_for END
  print -r -- "== $line"
  grep -vx END $matches
done
zpty -d shell
