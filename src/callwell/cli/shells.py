# SPDX-License-Identifier: Apache-2.0
"""What a shell needs to complete our command lines, and where it is put."""

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
    """Put a shell's script where the shell finds it; a second time changes nothing.

    Args:
        shell: its name.
        home: the home folder.

    Returns:
        the files that were written.

    Raises:
        FileProblem: a file cannot be written.
    """
    if shell == "fish":
        config = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
        return _written(config / "fish" / "completions" / "callwell.fish", FISH)
    data = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    script = data / "callwell" / f"completion.{shell}"
    begins = home / ".bashrc" if shell == "bash" else Path(os.environ.get("ZDOTDIR") or home) / ".zshrc"
    line = f"source '{script}'"
    before = begins.read_text(encoding="utf-8") if begins.is_file() else ""
    if line in before.splitlines():
        return _written(script, SCRIPTS[shell])
    between = "" if before.endswith("\n") or not before else "\n"
    return _written(script, SCRIPTS[shell]) + _written(begins, f"{before}{between}{line}\n")


def _written(path: Path, text: str) -> list[Path]:
    try:
        found = path.resolve()  # a start-up file is often the user's own link to where all of them are kept
        mode = stat.S_IMODE(found.stat().st_mode) if found.is_file() else folders.READABLE
        folders.write(found, [text.encode()], mode=mode, make=True)
    except OSError as error:
        raise FileProblem(f"{path} cannot be written: {error.strerror}") from error
    return [path]
