"""Put a run's agent into the package, for `groundling watch` and the playground: ``ship_agent.py RUN``.

Its parameters go there in half precision, and nothing to go on training with. The agents of the playground's gallery
are trained by ``--train NAME``, each in at most ten minutes of one core, and then shipped:

    python benchmarks/ship_agent.py --train one_room manual_reader questions
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Final

import tyro
from launch import launch
from questions import config_of
from reading import Options as Reading

from groundling.agents import AgentConfig
from groundling.agents.encoders.symbolic import SymbolicConfig
from groundling.cli.watch import SHIPPED
from groundling.envs.banks.held_out import NOTHING_HELD_OUT
from groundling.errors import ConfigurationError
from groundling.training import ImitationConfig, TrainConfig, Trainer
from groundling.training.checkpoint import CHECKPOINT_NAME, Checkpoint

MOST_BYTES: Final = 1_000_000
MOST_SECONDS: Final = 600.0  # of a processor, for an agent of the gallery
UPDATES_AT_ONCE: Final = 20
ONE_ROOM: Final = ("BabyAI-GoToLocal-v0", "BabyAI-PickupLoc-v0", "BabyAI-PutNextLocal-v0")


@dataclass(frozen=True)
class Options:
    """Write the agent of a run into the package.

    Attributes:
        run_folder: of the run.
        name: of the agent in the package.
        train: agents of the gallery to train first: one_room, manual_reader, questions.
        runs: folder of these trainings.
    """

    run_folder: Annotated[Path | None, tyro.conf.Positional] = None
    name: str = SHIPPED.stem
    train: tuple[str, ...] = ()
    runs: Path = Path("runs/shipped")


def main(options: Options) -> None:
    for name in options.train:
        ship(trained(name, options.runs / name), name)
    if options.run_folder is not None:
        ship(options.run_folder, options.name)
    elif not options.train:
        raise ConfigurationError("name the folder of a run, or agents of the gallery by --train")


def ship(run: Path, name: str) -> None:
    """Write the agent of a run into the package."""
    checkpoint = Checkpoint.load(run / CHECKPOINT_NAME)
    path = SHIPPED.with_name(f"{name}.pt")
    path.parent.mkdir(exist_ok=True)
    nothing: dict[str, Any] = {name: {} for name in ("algorithm", "statistics", "rewards", "curriculum", "best")}
    agent = {name: parameter.half() for name, parameter in checkpoint.agent.items()}
    config = replace(checkpoint.config, init="")  # a folder of this machine
    replace(checkpoint, config=config, agent=agent, **nothing).save(path)
    size = path.stat().st_size
    if size > MOST_BYTES:
        path.unlink()
        raise ConfigurationError(f"{size:,} bytes are too many to ship: at most {MOST_BYTES:,}")
    tasks = ", ".join(checkpoint.config.task_ids)
    print(f"{path.name}: {size:,} bytes, {checkpoint.frames:,} frames of {tasks}")


def trained(name: str, folder: Path) -> Path:
    """The folder of a run of the gallery, which is trained for at most so many seconds of a processor."""
    configs = gallery_configs()
    if name not in configs:
        raise ConfigurationError(f"there is no agent {name!r} in the gallery: choose among {', '.join(configs)}")
    trainer = Trainer(configs[name], folder, resume=(folder / CHECKPOINT_NAME).exists())
    begun = time.process_time()
    while trainer.updates < configs[name].num_updates and time.process_time() - begun < MOST_SECONDS:
        trainer.run(stop_after_updates=UPDATES_AT_ONCE)
    trainer.save()
    return folder


def gallery_configs() -> dict[str, TrainConfig]:
    """What the agents of the gallery are trained with; all imitate experts."""
    reader = replace(Reading().config("read_beacons_grid", "ours", 1), total_frames=1_200_000)
    asker = config_of("grid", "ours", "near", 1, None, 1.0)
    senses = (SymbolicConfig(readout_dim=20, map_radius=7),)
    asker = replace(asker, total_frames=2_000_000, agent=_smaller(asker.agent, senses))
    return {"one_room": _one_room(), "manual_reader": reader, "questions": asker}


def _smaller(agent: AgentConfig, settings: Sequence[Any]) -> AgentConfig:
    return replace(agent, memory_dim=96, hidden_dim=64, settings=tuple(settings))


def _one_room() -> TrainConfig:
    return TrainConfig(
        algorithm="dagger",
        tasks=ONE_ROOM,
        total_frames=4_000_000,
        num_envs=256,
        bank_size=16_384,
        evaluate_every=400_000,
        evaluation_episodes=300,
        held_out=NOTHING_HELD_OUT,
        agent=AgentConfig(
            language="contextual",
            memory="gru",
            memory_dim=128,
            memory_reads=True,
            hidden_dim=128,
            settings=(SymbolicConfig(readout_dim=16),),
        ),
        settings=(ImitationConfig(num_steps=40, minibatch_size=1280),),
    )


if __name__ == "__main__":
    launch(main, Options, __doc__)
