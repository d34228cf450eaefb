# elvish completion for certctl: `eval (certctl completions elvish | slurp)` in rc.elv
use str
set edit:completion:arg-completer[certctl] = {|@words|
    var lines = [(try { e:certctl __words --word=$words[-1] -- (all $words[1..-1]) 2>/dev/null } catch { nop })]
    if (== (count $lines) 0) { return }
    for line $lines[1..] {
        var value @meaning = (str:split "\t" $line)
        if (== (count $meaning) 0) {
            edit:complex-candidate $value
        } else {
            edit:complex-candidate $value &display=$value' ('$meaning[0]')'
        }
    }
    if (not-eq $lines[0] none) {
        edit:complete-filename $words[-1]
    }
}
