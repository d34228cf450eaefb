# PowerShell completion for certctl: `certctl completions powershell | Out-String | Invoke-Expression` in $PROFILE
Register-ArgumentCompleter -Native -CommandName certctl -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    # What is typed is passed on as text: none of it is evaluated.
    $before = @($commandAst.CommandElements | Select-Object -Skip 1 |
        Where-Object { $_.Extent.EndOffset -lt $cursorPosition } |
        ForEach-Object { if ($_.Value -is [string]) { $_.Value } else { $_.Extent.Text } })
    $word = "$wordToComplete".Trim([char[]]"'""")
    $lines = @(& (Get-Command certctl -CommandType Application | Select-Object -First 1) __words "--word=$word" -- @before 2>$null)
    # Where there is no result, PowerShell offers files by itself.
    $lines | Select-Object -Skip 1 | ForEach-Object {
        $value, $meaning = $_ -split "`t", 2
        if (-not $value.StartsWith($word)) { return }
        if (-not $meaning) { $meaning = $value }
        $text = if ($value -match '^[\p{L}\p{N}_./-][\p{L}\p{N}_.:/=+-]*$') { $value } else { "'" + ($value -replace "'", "''") + "'" }
        [System.Management.Automation.CompletionResult]::new($text, $value, 'ParameterValue', $meaning)
    }
}
