"""Runs on a hub of models (Hugging Face): ``hub:USER/NAME`` is fetched once into a folder that is a run like any other.

The package huggingface_hub talks to the hub; it is imported when a run is fetched or published. What is fetched are the
files of :data:`FETCHED`: numbers, settings and parameters, never code. Which code these may name is decided as for each
file from somebody else, see ``groundling.trust``.
"""

from __future__ import annotations

import importlib
import logging
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from groundling.errors import ConfigurationError, GroundlingError, HubError, StorageError
from groundling.extras import brought_by
from groundling.files import cache_folder, folder_written_whole, write_text

SCHEME: Final = "hub:"
USUAL_REVISION: Final = "main"
CARD_NAME: Final = "README.md"
NEEDED: Final = ("config.json", "checkpoint.pt")
FETCHED: Final = (
    *(CARD_NAME, *NEEDED, "best.pt", "metrics.jsonl", "evaluation*.json"),
    *(f"blind/{name}" for name in (*NEEDED, "best.pt", "metrics.jsonl")),
)
REPLAY_NAME: Final = "replay.mp4"  # a video, as hubs of models show it
PUBLISHED: Final = (*FETCHED, REPLAY_NAME)  # what a repository has of one agent, and of no earlier one

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class HubPlace:
    """Where a run is on the hub.

    Attributes:
        repository: ``"USER/NAME"``.
        revision: a branch, a tag or a commit.
    """

    repository: str
    revision: str = USUAL_REVISION

    @classmethod
    def parse(cls, text: str) -> HubPlace:
        """The place that a text names, ``"hub:USER/NAME"`` or ``"hub:USER/NAME@REVISION"``; ``hub:`` may be left out.

        Raises:
            ConfigurationError: if it is not of this form.
        """
        found = re.fullmatch(r"([\w-][\w.-]*/[\w-][\w.-]*)(?:@([\w][\w./-]*))?", text.removeprefix(SCHEME))
        if found is None or ".." in text:
            raise ConfigurationError(
                f"{text!r} is no place on the hub: name it {SCHEME}USER/NAME, or {SCHEME}USER/NAME@REVISION"
            )
        return cls(found[1], found[2] or USUAL_REVISION)

    def __str__(self) -> str:
        return f"{SCHEME}{self.repository}" + (f"@{self.revision}" if self.revision != USUAL_REVISION else "")


def is_on_hub(text: str | Path) -> bool:
    """Whether a run is named by its place on the hub."""
    return str(text).startswith(SCHEME)


def local_run(run: str | Path) -> Path:
    """The folder of a run, which is fetched if it is named by its place on the hub; errors as :func:`from_hub`."""
    return from_hub(str(run)) if is_on_hub(run) else Path(run)


def from_hub(place: str, *, revision: str = "", token: str | None = None, api: Any = None) -> Path:
    """Fetch a run into Groundling's cache, if that commit of it is not there yet.

    Args:
        place: ``"USER/NAME"``, ``"hub:USER/NAME"`` or ``"hub:USER/NAME@REVISION"``.
        revision: a branch, a tag or a commit; by default that of the place, else "main".
        token: of the hub, for private repositories; by default the one that the person is logged in with.
        api: a ``huggingface_hub.HfApi`` to use, as of another endpoint.

    Returns:
        the folder, one for each commit: what is written into it, as an evaluation, stays there.

    Raises:
        ConfigurationError: if the place or the revision is not of this form.
        HubError: if there is no such repository or revision, it holds no run, or the hub cannot be reached and the run
            was not fetched before.
        MissingPackageError: if huggingface_hub is not installed.
    """
    asked = HubPlace.parse(place)
    if revision:
        asked = HubPlace.parse(f"{asked.repository}@{revision}")
    folder = cache_folder() / "hub" / asked.repository
    if re.fullmatch(r"[0-9a-f]{40}", asked.revision) and (folder / asked.revision).is_dir():
        return folder / asked.revision
    api = api or hub_api(token)
    kept = folder / "revisions" / asked.revision.replace("/", "%")
    try:
        with told_in_one_line(asked):
            info = api.repo_info(asked.repository, revision=asked.revision)
    except HubError as error:
        known = kept.read_text().strip() if error.is_unreachable and kept.is_file() else ""
        if not (known and (folder / known).is_dir()):
            raise
        _log.warning("the hub cannot be reached: taking commit %s of %s, fetched before", known[:8], asked)
        return folder / known
    commit = str(info.sha)
    there = {sibling.rfilename for sibling in info.siblings or ()}
    if missing := [name for name in NEEDED if name not in there]:
        raise HubError(f"{asked} is no run of Groundling, it lacks {' and '.join(missing)}: look at its page")
    if not (folder / commit).is_dir():
        _log.info("fetching %s, commit %s", asked, commit[:8])
        _download(api, asked, commit, folder / commit)
    write_text(kept, f"{commit}\n")
    return folder / commit


def _download(api: Any, place: HubPlace, commit: str, folder: Path) -> None:
    """Fetch the files of a commit; where somebody else is faster, theirs are taken."""
    try:
        with folder_written_whole(folder) as aside:
            with told_in_one_line(place):
                api.snapshot_download(place.repository, revision=commit, local_dir=aside, allow_patterns=list(FETCHED))
            shutil.rmtree(aside / ".cache", ignore_errors=True)  # notes of huggingface_hub's own
    except StorageError:
        if not folder.is_dir():
            raise


def hub_api(token: str | None = None) -> Any:
    """What talks to the hub, a ``huggingface_hub.HfApi``.

    Raises:
        MissingPackageError: if huggingface_hub is not installed.
    """
    from groundling import __version__

    api = import_hub().HfApi(
        endpoint=os.environ.get("HF_ENDPOINT") or None,  # huggingface_hub itself reads it only once
        token=token,
        library_name="groundling",
        library_version=__version__,
    )
    return api


def import_hub() -> Any:
    """The package huggingface_hub.

    Raises:
        MissingPackageError: if it is not installed.
    """
    with brought_by("hub", "runs on the hub need the package huggingface_hub"):
        return importlib.import_module("huggingface_hub")


@contextmanager
def told_in_one_line(place: HubPlace) -> Iterator[None]:
    """Raise what huggingface_hub raises, of many classes and libraries beneath, as one that names the cause.

    Raises:
        HubError: instead.
    """
    try:
        yield
    except GroundlingError:
        raise
    except Exception as error:
        reason = str(error).strip().splitlines()
        kinds = {kind.__name__ for kind in type(error).__mro__}
        status = getattr(getattr(error, "response", None), "status_code", None)
        is_unreachable = status is None and bool(kinds & _UNREACHABLE)
        raise HubError(_cause(place, kinds, status, reason[0] if reason else ""), is_unreachable) from error


# What the clients that huggingface_hub uses, or has used, raise where nobody answers.
_UNREACHABLE: Final = frozenset(
    {
        *("OfflineModeIsEnabled", "ConnectionError", "TransportError", "ConnectError", "ConnectTimeout"),
        *("TimeoutException", "Timeout", "TimeoutError", "LocalEntryNotFoundError"),
    }
)
_LOG_IN: Final = "log in with `hf auth login`, or set HF_TOKEN to a token of yours"


def _cause(place: HubPlace, kinds: set[str], status: int | None, reason: str) -> str:
    if "RevisionNotFoundError" in kinds:
        return f"{HubPlace(place.repository)} has no revision {place.revision!r}: look at its branches and commits"
    if "GatedRepoError" in kinds:
        return f"{place} is given only to those whom its owner lets in: ask on its page, then {_LOG_IN}"
    if "RepositoryNotFoundError" in kinds or status == 404:
        return f"there is no {place}, or it is private: check the name, or {_LOG_IN}"
    if "LocalTokenNotFoundError" in kinds or status == 401:
        return f"the hub does not know you: {_LOG_IN}"
    if status == 403:
        return f"the token may not do this with {place}: make one that may write, and {_LOG_IN}"
    if kinds & _UNREACHABLE:
        return f"the hub cannot be reached for {place} ({reason}): check the network, and whether HF_HUB_OFFLINE is set"
    return f"the hub refused {place} ({reason})"
