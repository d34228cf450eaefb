# bash completion for certctl: `source <(certctl completions bash)`, or as a file:
# /usr/share/bash-completion/completions/certctl
_certctl() {
    local paths=none
    COMPREPLY=()
    {
        IFS= read -r paths
        mapfile -t COMPREPLY
    } < <(command certctl __words --line="${COMP_LINE:0:COMP_POINT}" --word="$2" 2>/dev/null)
    # Only where no candidate fits: these quote differently.
    case $paths in
        files) compopt -o default ;;
        directories) compopt -o dirnames ;;
    esac
}
complete -o nosort -F _certctl certctl 2>/dev/null || complete -F _certctl certctl
