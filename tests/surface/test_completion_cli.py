"""``groundling completion``: bash and zsh complete commands, options and values, by what the commands really take."""

from __future__ import annotations

import io
import re
import shlex
import shutil
import subprocess
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from groundling.cli import COMMANDS, main
from groundling.cli.command_options import options_of_command
from groundling.envs.catalog import known_ids
from groundling.training.algorithms import ALGORITHMS

needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
needs_zsh = pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The scripts that the command prints, by shell."""
    folder, found = tmp_path_factory.mktemp("completion"), {}
    for shell in ("bash", "zsh"):
        with redirect_stdout(io.StringIO()) as printed:
            assert main(["completion", shell]) == 0
        found[shell] = folder / f"completion.{shell}"
        found[shell].write_text(printed.getvalue())
    return found


def completed(script: Path, *words: str, folder: Path | None = None) -> list[str]:
    """What bash's own function offers for the last of these words, which stand after ``groundling``."""
    line = " ".join(map(shlex.quote, ("groundling", *words)))
    asked = f"COMP_WORDS=({line}); COMP_CWORD={len(words)}; _groundling"
    code = f"source {script}; {asked}; printf '%s\\n' ${{COMPREPLY[@]}}"
    told = subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=True, cwd=folder)
    assert told.stderr == ""
    return told.stdout.split()


@pytest.mark.parametrize("command", COMMANDS)
def test_options_are_those_that_the_command_has(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    _, listed = capsys.readouterr().out.split("-h, ")
    shown = re.findall(r"^[│ ]{,2}(--\w[\w.-]*)(?:, (--\w[\w.-]*))?", listed, re.MULTILINE)
    theirs = {name for pair in shown for name in pair if name}
    ours = set(options_of_command(command))
    assert theirs <= ours
    extra = ours - theirs - {"--trust-code", "--help"}
    assert not extra or command == "train", extra
    assert {"--algorithm", "--ppo.gamma", "--a2c.gamma", "--agile.rho"} <= ours or command != "train"


@needs_bash
def test_bash_completes_commands_options_and_values(scripts: dict[str, Path]) -> None:
    bash = scripts["bash"]
    assert completed(bash, "") == [*COMMANDS, "--help", "--version"]
    assert completed(bash, "ev") == ["evaluate"]
    assert "--episodes" in completed(bash, "evaluate", "--")
    assert completed(bash, "evaluate", "--epi") == ["--episodes"]
    assert completed(bash, "train", "--algorithm", "") == list(ALGORITHMS.names())
    assert completed(bash, "train", "--algorithm", "=", "dag") == ["dagger"]
    assert completed(bash, "bench", "--task", "BabyAI-GoToObjS4") == ["BabyAI-GoToObjS4-v0"]
    assert completed(bash, "train", "--tasks", "BabyAI-GoTo-v0", "") == known_ids()
    assert completed(bash, "train", "--preset", "m") == ["mazes"]
    assert completed(bash, "list", "sui") == ["suites"]
    assert completed(bash, "watch", "--checkpoint", "") == ["last", "best"]


@needs_bash
def test_bash_leaves_what_is_no_name_to_files(scripts: dict[str, Path]) -> None:
    """No words of ours: then ``complete -o default`` offers files and folders."""
    assert completed(scripts["bash"], "evaluate", "") == []
    assert completed(scripts["bash"], "evaluate", "--greedy", "") == []
    assert completed(scripts["bash"], "train", "--algorithm", "ppo", "") == [], "it has its one value"
    assert "complete -o default -F _groundling groundling" in scripts["bash"].read_text()


@needs_zsh
def test_zsh_completes_in_a_terminal(scripts: dict[str, Path]) -> None:
    """Asked of a real zsh in a terminal of its own (``zpty``), by its completion of the words so far."""
    program = f"""
    zmodload zsh/zpty
    zpty shell zsh -f -i
    zpty -w shell 'PROMPT=; autoload -Uz compinit; compinit -D -u; source {scripts["zsh"]}; echo rea""dy'
    zpty -r shell told '*ready*'
    for line in 'groundling eval' 'groundling train --algorithm dag' 'groundling bench --num' 'groundling list sui'; do
        zpty -w -n shell "$line"$'\\t'
        sleep 0.3
        zpty -w shell $'\\x01echo "\\x05%E""ND"'
        zpty -r shell told '*%END*'
        print -r -- "$told"
    done
    zpty -d shell
    """
    told = subprocess.run(["zsh", "-f", "-c", program], capture_output=True, text=True, timeout=60, check=True)
    lines = re.findall(r"^groundling ([^%\r\n]*?) *%END", told.stdout, re.MULTILINE)
    assert lines == ["evaluate", "train --algorithm dagger", "bench --num-envs", "list suites"]


@needs_zsh
def test_zsh_reads_the_script(scripts: dict[str, Path]) -> None:
    subprocess.run(["zsh", "-n", str(scripts["zsh"])], check=True)
