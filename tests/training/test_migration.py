"""Runs of older versions: their configurations and checkpoints are read, and they go on as the old code went on."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from groundling.agents import AgentConfig
from groundling.agents.encoders.pixels import CNNConfig
from groundling.cli.watch import SHIPPED
from groundling.envs import make_vec
from groundling.envs.banks.bank import CLAUSE_TOKENS
from groundling.envs.engine.embodiment import GRID, Embodiment
from groundling.envs.specification import spec_of
from groundling.errors import CheckpointError, ConfigurationError
from groundling.training import A2CConfig, Checkpoint, PPOConfig, TrainConfig, Trainer, resume_config
from groundling.training.algorithms.imitation import ImitationConfig
from groundling.training.checkpoint import CHECKPOINT_NAME
from groundling.training.run_folder import CONFIG_NAME

FIXTURES = Path(__file__).parent / "fixtures"
SMALL: dict[str, Any] = {"cell_dim": 4, "word_dim": 4, "instruction_dim": 4, "readout_dim": 2, "hidden_dim": 8}
# What the runs of the fixtures, which are of their middle, end with. The code that wrote them ended with parameters
# that differ by at most 6e-8: since then the table of what sentences make of cells is one product.
FINAL_PARAMETERS = {
    "ppo": "659c39963005d429a96738794f7acff1cb8ca9a68f9cc15684abdf3c56a92bb6",
    "dagger": "b46550586a80bdebc01f06f89d0724a641942d1e75d07209fbb779203932a70d",
}
# The same of format 6, by the code that first wrote it (7a94251), with fewer settings and parts than now; likewise.
FIRST_OF_FORMAT_6 = "accc7049d2e0bbd04da25eb9c8ebeec863101afd058e84928685249c811e101b"
OLD_A2C = A2CConfig(learning_rate=1e-3, entropy_coef=0.01)  # the defaults of that time
CONFIGS = {
    "ppo": TrainConfig(
        num_envs=4,
        bank_size=16,
        total_frames=256,
        agent=AgentConfig(**SMALL),
        settings=(PPOConfig(minibatch_size=32), OLD_A2C, ImitationConfig()),
    ),
    "dagger": TrainConfig(
        algorithm="dagger",
        num_envs=2,
        bank_size=16,
        total_frames=120,
        agent=AgentConfig(**SMALL, memory="gru", memory_dim=4, map_radius=2, predicts_subgoal=True),
        settings=(
            ImitationConfig(num_steps=10, minibatch_size=10, subgoal_coef=0.1, mixing=0.8),
            PPOConfig(),
            OLD_A2C,
        ),
    ),
}


def old_run(name: str, tmp_path: Path) -> Path:
    """The folder of a run of format 5 that was stopped half way."""
    folder = tmp_path / name
    folder.mkdir()
    shutil.copy(FIXTURES / f"format5_{name}.pt", folder / CHECKPOINT_NAME)
    shutil.copy(FIXTURES / f"format5_{name}.json", folder / CONFIG_NAME)
    return folder


def old_config(**changes: Any) -> dict[str, Any]:
    """The plain values of a configuration of format 5: a flat table of the agent, and settings of all algorithms."""
    values = json.loads((FIXTURES / "format5_dagger.json").read_text())
    return {**values, **{name: {**values[name], **change} for name, change in changes.items()}}


def old_digest(parameters: dict[str, torch.Tensor]) -> str:
    """A hash of parameters in the order of their old names."""
    old = {("due." + n[8:] if n.startswith("subgoal.") else n.replace("encoder.", "eyes.", 1)): n for n in parameters}
    digest = hashlib.sha256()
    for name in sorted(old):
        digest.update(parameters[old[name]].contiguous().numpy().tobytes())
    return digest.hexdigest()


@pytest.mark.parametrize("name", ["ppo", "dagger"])
def test_old_run_goes_on_as_with_the_code_that_wrote_it(name: str, tmp_path: Path) -> None:
    folder = old_run(name, tmp_path)
    config = resume_config(folder)
    trainer = Trainer(config, folder, resume=True)
    assert trainer.updates == config.num_updates // 2
    result = trainer.run()
    assert old_digest(result.agent.state_dict()) == FINAL_PARAMETERS[name]
    again = Checkpoint.load(folder / CHECKPOINT_NAME)
    assert (again.updates, again.config) == (config.num_updates, config)
    assert torch.load(folder / CHECKPOINT_NAME, weights_only=True)["groundling_checkpoint"] == 6


@pytest.mark.parametrize("name", ["ppo", "dagger"])
def test_configuration_and_specification_of_an_old_run_are_the_new_ones(name: str, tmp_path: Path) -> None:
    folder = old_run(name, tmp_path)
    checkpoint = Checkpoint.load(folder / CHECKPOINT_NAME)
    assert resume_config(folder) == checkpoint.config == CONFIGS[name]
    assert TrainConfig.from_json(checkpoint.config.to_json()) == checkpoint.config
    body = Embodiment(explored_radius=2) if name == "dagger" else GRID
    assert checkpoint.spec.differences(body.spec(CLAUSE_TOKENS)) == []
    assert checkpoint.spec.vocabulary == body.vocabulary


def test_agent_that_comes_with_the_package_acts_in_its_room() -> None:
    checkpoint = Checkpoint.load(SHIPPED)
    config = checkpoint.config
    assert torch.load(SHIPPED, weights_only=True)["groundling_checkpoint"] == 5
    assert (config.algorithm, config.agent.vision, config.body) == ("ppo", "cnn", "rover")
    assert config.agent.settings == (config.agent.settings_of(CNNConfig),)
    envs = make_vec(config.task, 4, bank_size=4, body=config.body, camera=config.camera)
    assert checkpoint.spec.differences(spec_of(envs)) == []
    agent = checkpoint.make_agent()
    observation, _ = envs.reset(seed=0)
    first = np.ones(4, dtype=np.bool_)
    actions, state = agent.act(observation, agent.initial_state(4), first, greedy=True)
    assert actions.shape == (4,)
    assert torch.isfinite(state).all()


def test_old_table_of_the_agent_keeps_the_settings_of_its_own_vision_only() -> None:
    table = {"vision": "cnn", "conv_channels": [4, 5, 6], "attributes": 3, "readout_dim": 7, "map_radius": 0}
    config = TrainConfig.from_dict(old_config(agent=table))
    assert config.agent.settings == (CNNConfig((4, 5, 6), attributes=3, readout_dim=7),)
    assert config.agent.predicts_subgoal
    assert config.agent == AgentConfig(
        vision="cnn",
        memory="gru",
        memory_dim=4,
        predicts_subgoal=True,
        conv_channels=(4, 5, 6),
        attributes=3,
        **{name: size for name, size in {**SMALL, "readout_dim": 7}.items() if name != "cell_dim"},
    )


def test_old_configuration_has_the_settings_of_every_algorithm() -> None:
    values = old_config(ppo={"due_coef": 0.25, "clip": 0.3}, a2c={"num_steps": 3}, imitation={"due_coef": 0.75})
    config = TrainConfig.from_dict(values)
    assert config.settings_of(PPOConfig) == PPOConfig(subgoal_coef=0.25, clip=0.3)
    assert config.settings_of(A2CConfig) == dataclasses.replace(OLD_A2C, num_steps=3)
    assert config.settings_of(ImitationConfig) == dataclasses.replace(
        CONFIGS["dagger"].settings_of(ImitationConfig), subgoal_coef=0.75
    )
    assert (config.reward, config.reward_weights, config.made_by) == (("environment",), (), "")


@pytest.mark.parametrize("part", ["agent", "ppo"])
def test_setting_that_no_version_had_is_refused(part: str) -> None:
    with pytest.raises(ConfigurationError, match="warp_factor"):
        TrainConfig.from_dict(old_config(**{part: {"warp_factor": 9}}))


def changed_checkpoint(path: Path, **parts: Any) -> Path:
    content = torch.load(FIXTURES / "format5_ppo.pt", weights_only=True)
    torch.save({name: part for name, part in {**content, **parts}.items() if part is not None}, path)
    return path


def test_old_checkpoint_of_another_vocabulary_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="another vocabulary, its token ids mean other words here"):
        Checkpoint.load(changed_checkpoint(tmp_path / "old.pt", vocabulary=1))


@pytest.mark.parametrize("part", ["collector", "optimizer", "generators", "agent", "space", "curriculum"])
def test_old_checkpoint_that_lacks_a_part_is_refused(part: str, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=f"lacks parts of a checkpoint of its format: '{part}'"):
        Checkpoint.load(changed_checkpoint(tmp_path / "old.pt", **{part: None}))


def run_of_format_6(tmp_path: Path) -> Path:
    """The folder of a run that the first code of format 6 stopped half way."""
    folder = tmp_path / "six"
    folder.mkdir()
    shutil.copy(FIXTURES / "format6_gru.pt", folder / CHECKPOINT_NAME)
    shutil.copy(FIXTURES / "format6_gru.json", folder / CONFIG_NAME)
    return folder


def test_run_of_the_first_code_of_format_6_goes_on_as_with_it(tmp_path: Path) -> None:
    folder = run_of_format_6(tmp_path)
    config = resume_config(folder)
    assert config == dataclasses.replace(
        CONFIGS["ppo"],
        agent=AgentConfig(**SMALL, memory="gru", memory_dim=4),
        settings=(PPOConfig(num_steps=16, minibatch_size=32),),
    )
    trainer = Trainer(config, folder, resume=True)
    assert trainer.updates == 2
    digest = hashlib.sha256()
    for _, parameters in sorted(trainer.run().agent.state_dict().items()):
        digest.update(parameters.contiguous().numpy().tobytes())
    assert digest.hexdigest() == FIRST_OF_FORMAT_6


@pytest.mark.parametrize(
    ("version", "complaint"),
    [
        (
            7,
            r"was written by a newer Groundling \(format 7, this one reads up to 6\): update with pip install",
        ),
        (4, r"is of format 4, this Groundling reads formats 5 to 6: load it with the version that wrote it"),
        ("six", r"says that its format is 'six', which none is"),
    ],
)
def test_checkpoint_of_another_format_is_refused_with_what_to_do(version: Any, complaint: str, tmp_path: Path) -> None:
    folder = run_of_format_6(tmp_path)
    content = torch.load(folder / CHECKPOINT_NAME, weights_only=True)
    torch.save({**content, "groundling_checkpoint": version}, folder / CHECKPOINT_NAME)
    with pytest.raises(CheckpointError, match=complaint):
        Checkpoint.load(folder / CHECKPOINT_NAME)
    values = json.loads((folder / CONFIG_NAME).read_text())
    (folder / CONFIG_NAME).write_text(json.dumps({**values, "warp_factor": 9}))
    with pytest.raises(CheckpointError, match=complaint):  # not: there is no setting of this name
        resume_config(folder)


def test_unknown_setting_of_this_format_is_told_as_one(tmp_path: Path) -> None:
    folder = run_of_format_6(tmp_path)
    values = json.loads((folder / CONFIG_NAME).read_text())
    (folder / CONFIG_NAME).write_text(json.dumps({**values, "warp_factor": 9}))
    with pytest.raises(ConfigurationError, match="warp_factor"):
        resume_config(folder)
    (folder / CHECKPOINT_NAME).unlink()
    with pytest.raises(ConfigurationError, match="warp_factor"):
        resume_config(folder)
