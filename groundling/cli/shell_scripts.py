"""Shell functions that complete commands, options and values: plain text, so that a key press starts no Python."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from groundling.cli.command_options import Option

SHELLS: Final = ("bash", "zsh")


@dataclass(frozen=True)
class CommandWords:
    """What can follow a command.

    Attributes:
        sentence: what it does.
        options: by name.
        positional: values without an option, where these are few.
        values: values of options by name, where these are few; of others a file is completed.
    """

    sentence: str
    options: Mapping[str, Option]
    positional: tuple[str, ...]
    values: Mapping[str, tuple[str, ...]]


def bash_script(commands: Mapping[str, CommandWords]) -> str:
    """The script for bash: a function and the line that registers it."""
    options = "\n".join(f"        {name}) options={_words(told.options)} ;;" for name, told in commands.items())
    return f"""# Completes the commands, options and values of groundling in bash.
# Written by `groundling completion bash`: write it again after an update. In ~/.bashrc:
#   source ~/.groundling-completion.bash
_groundling() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} command=${{COMP_WORDS[1]}} options= option= values= place distance
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        COMPREPLY=($(compgen -W {_words([*commands, "--help", "--version"])} -- "$word"))
        return
    fi
    case $command in
{options}
    esac
    if [[ $word == -* ]]; then
        COMPREPLY=($(compgen -W "$options" -- "$word"))
        return
    fi
    [[ $word == "=" ]] && word=
    for ((place = COMP_CWORD - 1; place > 1; place--)); do
        [[ ${{COMP_WORDS[place]}} == -* ]] && option=${{COMP_WORDS[place]}} && break
    done
    distance=$((COMP_CWORD - place))
    [[ ${{COMP_WORDS[place + 1]}} == "=" && distance -gt 1 ]] && distance=$((distance - 1))
    ((distance > 1)) && [[ " {" ".join(_several(commands))} " != *" $command:$option "* ]] && option=
    case $command:$option in
{_cases(commands, "values=")}
    esac
    COMPREPLY=($(compgen -W "$values" -- "$word"))
}}
complete -o default -F _groundling groundling
"""


def zsh_script(commands: Mapping[str, CommandWords]) -> str:
    """The script for zsh: a function that works in ``fpath`` and when it is sourced."""
    named = " ".join(_described(name, told.sentence) for name, told in commands.items())
    options = "\n".join(f"        {name}) options=({_described_options(told)}) ;;" for name, told in commands.items())
    return f"""#compdef groundling
# Completes the commands, options and values of groundling in zsh.
# Written by `groundling completion zsh`: write it again after an update. In ~/.zshrc, after compinit:
#   source ~/.groundling-completion.zsh
_groundling() {{
    local -a commands options values
    local word=${{words[CURRENT]}} command=${{words[2]}} option= place
    if ((CURRENT == 2)); then
        commands=({named})
        _describe command commands
        return
    fi
    case $command in
{options}
    esac
    if [[ $word == -* ]]; then
        _describe -o option options
        return
    fi
    for ((place = CURRENT - 1; place > 2; place--)); do
        [[ ${{words[place]}} == -* ]] && option=${{words[place]}} && break
    done
    ((CURRENT - place > 1)) && [[ " {" ".join(_several(commands))} " != *" $command:$option "* ]] && option=
    case $command:$option in
{_cases(commands, "values=", parenthesized=True)}
    esac
    if ((${{#values}})); then compadd -a values; else _files; fi
}}
if [[ ${{funcstack[1]}} == _groundling ]]; then _groundling "$@"; else compdef _groundling groundling; fi
"""


SCRIPTS: Final = {"bash": bash_script, "zsh": zsh_script}


def _several(commands: Mapping[str, CommandWords]) -> list[str]:
    """``command:--option`` of those that take several values."""
    return [f"{name}:{o.name}" for name, told in commands.items() for o in told.options.values() if o.takes_several]


def _cases(commands: Mapping[str, CommandWords], assign: str, *, parenthesized: bool = False) -> str:
    """The lines of a ``case`` over ``command:--option`` with their values; options with the same values share one."""
    places: dict[tuple[str, ...], list[str]] = {}
    for name, told in commands.items():
        if told.positional:
            places.setdefault(told.positional, []).append(f"{name}:")
        for option, values in told.values.items():
            places.setdefault(values, []).append(f"{name}:{option}")
    lines = []
    for values, found in places.items():
        words = f"({' '.join(map(shlex.quote, values))})" if parenthesized else _words(values)
        lines.append(f"        {'|'.join(found)}) {assign}{words} ;;")
    return "\n".join(lines)


def _words(words: Iterable[str]) -> str:
    return shlex.quote(" ".join(words))


def _described_options(told: CommandWords) -> str:
    return " ".join(_described(option.name, option.sentence) for option in told.options.values())


def _described(name: str, sentence: str) -> str:
    """A word and its sentence as zsh's ``_describe`` reads them."""
    return shlex.quote(f"{name.replace(':', chr(92) + ':')}:{sentence}")
