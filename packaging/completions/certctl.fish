# fish completion for certctl: `certctl completions fish | source`, or as a file:
# /usr/share/fish/vendor_completions.d/certctl.fish
function __certctl_complete
    set -l before (commandline -opc)
    set -e before[1]
    set -l word (commandline -ct)
    set -l lines (command certctl __words "--word=$word" -- $before 2>/dev/null)
    set -l paths $lines[1]
    set -e lines[1]
    test (count $lines) -gt 0; and printf '%s\n' $lines
    set -l option (string match -r -- '^--[^=]*=' $word)
    switch "$paths"
        case files
            printf "$option%s\n" (__fish_complete_path (string replace -- "$option" '' $word))
        case directories
            printf "$option%s\n" (__fish_complete_directories (string replace -- "$option" '' $word))
    end
end
complete -c certctl -k -f -a '(__certctl_complete)'
