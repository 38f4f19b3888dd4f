"""Notebooks as pages of the site: their cells and saved outputs as Markdown. Nothing is run while the site is built."""

from __future__ import annotations

import json
import re
from typing import Any, ClassVar

from myst_parser.parsers.sphinx_ import MystParser

ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def markdown_of(notebook: dict[str, Any]) -> str:
    """The page of a notebook: text as it is, code as code, outputs below it."""
    parts: list[str] = []
    for cell in notebook["cells"]:
        text = joined(cell["source"]).strip()
        if cell["cell_type"] == "markdown":
            parts.append(text)
        elif text:
            parts.append(fenced(text, "python"))
            parts += [part for output in cell["outputs"] if (part := output_of(output))]
    return "\n\n".join(parts) + "\n"


def output_of(output: dict[str, Any]) -> str:
    """One output of a cell: a picture if it has one, else its text."""
    if output["output_type"] == "stream":
        return fenced(ESCAPES.sub("", joined(output["text"])).strip(), "text")
    if output["output_type"] == "error":
        raise ValueError(f"a notebook with an error in it: {output['ename']}: {output['evalue']}")
    data = output["data"]
    for kind in ("image/png", "image/gif"):
        if kind in data:
            picture = joined(data[kind]).replace("\n", "")
            told = joined(data.get("text/plain", "output")).replace('"', "'")
            return f'<img class="output" alt="{told}" src="data:{kind};base64,{picture}">'
    return fenced(joined(data["text/plain"]), "text")


def fenced(text: str, language: str) -> str:
    """A block of code."""
    return f"````{language}\n{text}\n````"


def joined(text: str | list[str]) -> str:
    """Text as nbformat has it: one string, or one for each line."""
    return text if isinstance(text, str) else "".join(text)


class NotebookParser(MystParser):
    """Reads ``.ipynb`` files."""

    supported: ClassVar[tuple[str, ...]] = ("notebook",)

    def parse(self, inputstring: str, document: Any) -> None:
        """See docutils."""
        super().parse(markdown_of(json.loads(inputstring)), document)


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_source_parser(NotebookParser)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
