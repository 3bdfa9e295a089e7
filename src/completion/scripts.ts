export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

/**
 * What a shell has to know: to ask `rca complete` at every Tab. It is given the words before the cursor and the part of a
 * word to its left; it answers with a line `files`, `folders` or `none`, then one candidate a line, with a tab and what it
 * is about. So a newer rca needs no newer script.
 */
export const SCRIPTS: Readonly<Record<Shell, string>> = {
  // Seen on bash 5.2, with and without the package bash-completion; compopt is missing in macOS's bash 3.2, which then
  // completes file names by itself. COMP_WORDS is split at COMP_WORDBREAKS, `=` among them: rca puts that together.
  bash: `# bash completion for rca. In ~/.bashrc: eval "$(rca completion bash)"
_rca() {
  local current line paths='' IFS=$'\\n'
  current=\${COMP_WORDS[COMP_CWORD]}
  COMPREPLY=()
  while read -r line; do
    if [ -z "$paths" ]; then
      paths=$line
    else
      COMPREPLY[\${#COMPREPLY[@]}]=\${line%%$'\\t'*}
    fi
  done < <(command rca complete bash -- "\${COMP_WORDS[@]:1:COMP_CWORD-1}" "$current" 2> /dev/null)
  if [ "$paths" = files ]; then
    compopt -o default 2> /dev/null || COMPREPLY+=($(compgen -f -- "$current"))
  elif [ "$paths" = folders ]; then
    compopt -o dirnames 2> /dev/null || COMPREPLY+=($(compgen -d -- "$current"))
  fi
}
complete -F _rca rca
`,
  // Seen on zsh 5.9. As a file it is called _rca and lies in a folder of $fpath; otherwise it is sourced after compinit.
  zsh: `#compdef rca
# zsh completion for rca. In ~/.zshrc, after compinit: source <(rca completion zsh)
_rca() {
  local -a lines items
  local line paths
  lines=("\${(@f)$(command rca complete zsh -- "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2> /dev/null)}")
  paths=$lines[1]
  for line in "\${(@)lines[2,-1]}"; do
    items+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  local found=1
  if (( $#items )); then
    _describe -V 'rca' items && found=0
  fi
  case $paths in
    files) _files && found=0 ;;
    folders) _files -/ && found=0 ;;
  esac
  return found
}
if [ "$funcstack[1]" = _rca ]; then
  _rca "$@"
elif (( $+functions[compdef] )); then
  compdef _rca rca
else
  print -u2 'rca: run compinit first, then: source <(rca completion zsh)'
fi
`,
  // Seen on fish 3.6.
  fish: `# fish completion for rca. As ~/.config/fish/completions/rca.fish, or: rca completion fish | source
function __rca_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l lines (command rca complete fish -- $words[2..-1] "$current" 2> /dev/null)
    switch "$lines[1]"
        case files
            __fish_complete_path "$current"
        case folders
            __fish_complete_directories "$current" ''
    end
    printf '%s\\n' $lines[2..-1]
end
complete -c rca -f -a '(__rca_complete)'
`,
}
