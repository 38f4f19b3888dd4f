"""Publishing a run's agent on a hub of models: its parameters, settings, results and card, without code."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from pathlib import Path
from typing import Any

from groundling.errors import HubError
from groundling.eval.kept_results import BESIDE, EVALUATION_NAME, VIDEO_NAME
from groundling.eval.model_card import Published, model_card
from groundling.eval.runs import BLIND_NAME, CHECKPOINTS, load_checkpoint
from groundling.files import write_text
from groundling.hub import CARD_NAME, PUBLISHED, REPLAY_NAME, HubPlace, hub_api, import_hub, told_in_one_line
from groundling.training.checkpoint import CHECKPOINT_NAME, Checkpoint
from groundling.training.logs import METRICS_NAME
from groundling.training.run_folder import CONFIG_NAME, check_belong_together, resume_config


def push_to_hub(
    run: Path | str,
    repository: str,
    *,
    private: bool = False,
    license: str = "mit",
    message: str = "",
    whole: bool = False,
    token: str | None = None,
    api: Any = None,
) -> str:
    """Publish a run's agent; a repository that is not there is made.

    Of an agent that was published there before, nothing stays; other files in the repository do.

    Args:
        run: its folder.
        repository: ``"USER/NAME"``.
        private: make a new repository that only its owner sees.
        license: an identifier that the hub knows.
        message: of the commit.
        whole: publish all that training goes on from as well, so that others can resume the run.
        token: of the hub; by default the one that the person is logged in with.
        api: a ``huggingface_hub.HfApi`` to use, as of another endpoint.

    Returns:
        the address of the commit.

    Raises:
        ConfigurationError: if the repository is not of this form.
        RunFolderError, CheckpointError: if there is no whole run.
        HubError: if nobody is logged in, or the hub refuses or cannot be reached.
        MissingPackageError: if huggingface_hub is not installed.
    """
    place = HubPlace.parse(repository)
    with tempfile.TemporaryDirectory(prefix="groundling-push-") as aside:
        write_published(run, Path(aside), place.repository, license=license, whole=whole)
        if api is None:
            if token is None and import_hub().get_token() is None:
                raise HubError(
                    "nobody is logged in to the hub: `hf auth login`, or set HF_TOKEN to a token that may write"
                )
            api = hub_api(token)
        with told_in_one_line(place):
            api.create_repo(place.repository, private=private, exist_ok=True)
            told = api.upload_folder(
                repo_id=place.repository,
                folder_path=aside,
                delete_patterns=list(PUBLISHED),
                revision=place.revision,
                commit_message=message or "Publish an agent of Groundling",
            )
    return str(getattr(told, "commit_url", told))


def write_published(
    run: Path | str, folder: Path, repository: str, *, license: str = "mit", whole: bool = False
) -> Published:
    """Write the files that are published into a folder; arguments and errors as :func:`push_to_hub`."""
    run = Path(run)
    config = resume_config(run, for_evaluation=True)
    checkpoint = load_checkpoint(run)
    check_belong_together(config, checkpoint, run)
    for part in ("", BLIND_NAME):
        _write_agents(run / part, folder / part, whole=whole)
    for path in [run / EVALUATION_NAME, *run.glob(BESIDE)]:
        if path.is_file():
            shutil.copyfile(path, folder / path.name)
    has_video = (run / VIDEO_NAME).is_file()
    if has_video:
        shutil.copyfile(run / VIDEO_NAME, folder / REPLAY_NAME)
    published = Published.of(run, checkpoint)
    write_text(folder / CARD_NAME, model_card(published, repository, license=license, has_video=has_video))
    return published


def _write_agents(run: Path, folder: Path, *, whole: bool) -> None:
    """The checkpoints, configuration and metrics of a run, or of its blind control; nothing where there is none."""
    if not (run / CHECKPOINT_NAME).is_file():
        return
    folder.mkdir(exist_ok=True)
    for name in CHECKPOINTS.values():
        if not (run / name).is_file():
            continue
        if whole:
            shutil.copyfile(run / name, folder / name)
        else:
            agent_alone(Checkpoint.load(run / name, for_evaluation=True)).save(folder / name)
    for name in (CONFIG_NAME, METRICS_NAME):
        if (run / name).is_file():
            shutil.copyfile(run / name, folder / name)


def agent_alone(checkpoint: Checkpoint) -> Checkpoint:
    """The same agent, with what its learned rewards know, without what training goes on from."""
    return dataclasses.replace(checkpoint, algorithm={}, statistics={}, curriculum={})
