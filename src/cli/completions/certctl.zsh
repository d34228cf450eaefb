#compdef certctl
# zsh completion for certctl: `source <(certctl completions zsh)` behind compinit, or as a file:
# /usr/share/zsh/vendor-completions/_certctl
_certctl() {
    local paths line
    local -a lines values
    lines=("${(@f)$(command certctl __words --word="${(Q)PREFIX}" -- "${(@Q)words[2,CURRENT-1]}" 2>/dev/null)}")
    paths=$lines[1]
    for line in "${(@)lines[2,-1]}"; do
        # _describe takes what follows a colon for the meaning.
        values+=("${${${line%%$'\t'*}//\\/\\\\}//:/\\:}${${(M)line%$'\t'*}/#$'\t'/:}")
    done
    (( $#values )) && _describe -V certctl values
    [[ $paths == none ]] || compset -P '--*='
    case $paths in
        files) _files ;;
        directories) _files -/ ;;
    esac
}
if [[ $funcstack[1] == _certctl ]]; then
    _certctl "$@"
else
    compdef _certctl certctl
fi
