"""Print a script that completes commands, options and values (tasks, algorithms, suites ...) in bash or zsh.

`groundling completion bash > ~/.groundling-completion.bash`, and in ~/.bashrc the line
`source ~/.groundling-completion.bash`; the same with zsh and ~/.zshrc, after compinit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, Literal

import tyro

from groundling.cli import COMMANDS
from groundling.cli.command_options import options_of_command, positional_of_command
from groundling.cli.listing import Kind, named
from groundling.cli.shell_scripts import SCRIPTS, CommandWords

# whose names an option takes, in every command that has it
NAMED_BY: Final[dict[str, Kind]] = {
    "--task": "tasks",
    "--tasks": "tasks",
    "--algorithm": "algorithms",
    "--reward": "rewards",
    "--agent.vision": "encoders",
    "--agent.encoders": "encoders",
    "--planner": "planners",
    "--track": "trackers",
    "--check": "checks",
    "--suite": "suites",
}


@dataclass
class Command:
    """Print a completion script.

    Attributes:
        shell: bash or zsh.
    """

    shell: tyro.conf.Positional[Annotated[Literal["bash", "zsh"], tyro.conf.arg(metavar="[{bash,zsh}]")]] = "bash"

    def run(self) -> None:
        """Print it."""
        print(SCRIPTS[self.shell](words_of_commands()), end="")


def words_of_commands() -> dict[str, CommandWords]:
    """What can follow each command."""
    names: dict[Kind, tuple[str, ...]] = {kind: tuple(named(kind)) for kind in dict.fromkeys(NAMED_BY.values())}
    found = {}
    for command, sentence in COMMANDS.items():
        options = options_of_command(command)
        values = {option.name: option.choices for option in options.values() if option.choices}
        values |= {option: names[kind] for option, kind in NAMED_BY.items() if option in options}
        found[command] = CommandWords(sentence, options, positional_of_command(command), values)
    return found
