# SPDX-License-Identifier: Apache-2.0
"""The completion scripts of the shells, and where they are installed."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final, Literal

from callwell import folders
from callwell.errors import FileProblem

Shell = Literal["bash", "zsh", "fish"]

BASH: Final = """\
_callwell_completion() {
    local IFS=$'\\n'
    COMPREPLY=($(_CALLWELL_COMPLETE=bash _CALLWELL_LINE="${COMP_LINE:0:COMP_POINT}" "$1" 2>/dev/null))
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=:] ]]; then
        compopt -o nospace 2>/dev/null
    fi
    return 0
}
complete -o default -F _callwell_completion callwell
"""

ZSH: Final = """\
#compdef callwell
_callwell() {
    local -a whole open
    local line
    while IFS= read -r line; do
        local word=${line%%$'\\t'*} about=
        [[ $line == *$'\\t'* ]] && about=":${line#*$'\\t'}"
        if [[ $word == *[=:] ]]; then
            open+=("${word//:/\\\\:}$about")
        else
            whole+=("${word//:/\\\\:}$about")
        fi
    done < <(_CALLWELL_COMPLETE=zsh _CALLWELL_LINE="${words[1,CURRENT-1]} $PREFIX" "${words[1]}" 2>/dev/null)
    if (( $#whole + $#open )); then
        _describe -t words callwell whole -- open -S ''
    else
        _files
    fi
}
if [[ $funcstack[1] == _callwell ]]; then
    _callwell "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
    compdef _callwell callwell
fi
"""

FISH: Final = """\
function __callwell_complete
    set --local line (commandline --current-process --cut-at-cursor | string collect)
    set --local found (env _CALLWELL_COMPLETE=fish _CALLWELL_LINE=$line callwell 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\\n' $found
    else
        __fish_complete_path (commandline --current-token --cut-at-cursor)
    end
end
complete --command callwell --no-files --arguments '(__callwell_complete)'
"""

SCRIPTS: Final[dict[Shell, str]] = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def install(shell: Shell, home: Path) -> list[Path]:
    """Install the completion script where the shell finds it. Installing it twice changes nothing.

    Args:
        shell: the shell's name.
        home: the home folder.

    Returns:
        the files that were written.

    Raises:
        FileProblem: a file cannot be written.
    """
    if shell == "fish":
        config = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
        return _write(config / "fish" / "completions" / "callwell.fish", FISH)
    data = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    script = data / "callwell" / f"completion.{shell}"
    startup = home / ".bashrc" if shell == "bash" else Path(os.environ.get("ZDOTDIR") or home) / ".zshrc"
    line = f"source '{script}'"
    before = startup.read_text(encoding="utf-8") if startup.is_file() else ""
    if line in before.splitlines():
        return _write(script, SCRIPTS[shell])
    newline = "" if before.endswith("\n") or not before else "\n"
    return _write(script, SCRIPTS[shell]) + _write(startup, f"{before}{newline}{line}\n")


def _write(path: Path, text: str) -> list[Path]:
    try:
        target = path.resolve()  # a start-up file is often a link into a repository of such files
        mode = stat.S_IMODE(target.stat().st_mode) if target.is_file() else folders.DEFAULT_MODE
        folders.write(target, [text.encode()], mode=mode, make=True)
    except OSError as error:
        raise FileProblem(f"{path} cannot be written: {error.strerror}") from error
    return [path]
