"""What an agent is built for is read off an environment's spaces, and anything else is refused."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

from groundling.agents import ActorCritic, AgentConfig, AgentSpace
from groundling.envs import EpisodeBank, make_vec
from groundling.errors import ConfigurationError

IMAGE = spaces.Box(0, 255, (48, 64, 3), np.uint8)
WORDS = spaces.Box(0, 18, (5,), np.int64)


def test_default_space_is_that_of_the_grid() -> None:
    envs = make_vec(bank=EpisodeBank.of_seeds("BabyAI-GoToLocal-v0", range(2)), num_envs=2)
    assert AgentSpace.of(envs.single_observation_space, envs.single_action_space) == AgentSpace()
    assert AgentSpace().vocabulary_size == envs.vocabulary_size


def test_space_of_pixels_is_read_off_and_comes_back_from_json() -> None:
    space = AgentSpace.of(spaces.Dict({"image": IMAGE, "instruction": WORDS}), spaces.Discrete(3))
    assert space == AgentSpace((48, 64, 3), num_actions=3, vocabulary_size=19)
    assert AgentSpace.from_dict(json.loads(json.dumps(dataclasses.asdict(space)))) == space


def test_number_of_words_can_be_given() -> None:
    unbounded = spaces.Box(0, np.iinfo(np.int64).max, (5,), np.int64)
    observation = spaces.Dict({"image": IMAGE, "instruction": unbounded})
    assert AgentSpace.of(observation, spaces.Discrete(3), 30).vocabulary_size == 30
    with pytest.raises(ConfigurationError, match="how many token ids"):
        AgentSpace.of(observation, spaces.Discrete(3))


@pytest.mark.parametrize(
    ("observation", "action", "message"),
    [
        (IMAGE, spaces.Discrete(3), "no image, instruction: they are not a Dict"),
        (spaces.Dict({"image": IMAGE}), spaces.Discrete(3), "no instruction: they are a Dict of image"),
        (
            spaces.Dict({"image": spaces.Box(0, 1, (64, 64, 3), np.float32), "instruction": WORDS}),
            spaces.Discrete(3),
            r"images are \[64, 64, 3\] float32",
        ),
        (
            spaces.Dict({"image": spaces.Box(0, 255, (3, 64, 64), np.uint8), "instruction": WORDS}),
            spaces.Discrete(3),
            r"an agent sees \[H, W, 3\]",
        ),
        (spaces.Dict({"image": IMAGE, "instruction": WORDS}), spaces.Box(-1, 1, (2,)), "acts by Discrete"),
        (spaces.Dict({"image": IMAGE, "instruction": WORDS}), spaces.Discrete(3, start=1), "acts by Discrete"),
    ],
)
def test_space_that_no_agent_suits_is_refused(observation: Any, action: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        AgentSpace.of(observation, action)


@pytest.mark.parametrize(
    ("config", "shape", "message"),
    [
        (AgentConfig(), (64, 64, 3), "choose the agent's vision 'cnn'"),
        (AgentConfig(vision="cnn"), (7, 7, 3), "too small for vision 'cnn'.*vision 'symbolic'"),
        (AgentConfig.chaplot(), (43, 64, 3), "too small for vision 'chaplot'"),
        (AgentConfig(vision="cnn", language="sentence"), (64, 64, 3), "pass the vocabulary"),
    ],
)
def test_vision_that_does_not_suit_the_images_is_refused(config: AgentConfig, shape: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        ActorCritic(config, AgentSpace(shape, 3, 19))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"vision": "eagle"}, "vision is one of symbolic, cnn, chaplot"),
        ({"vision": "cnn", "cell_dim": 64}, "vision 'cnn' has no cell_dim"),
        ({"vision": "symbolic", "conv_channels": (8, 8, 8)}, "vision 'symbolic' has no conv_channels"),
        ({"vision": "symbolic", "attributes": 2}, "vision 'symbolic' has no attributes"),
        ({"vision": "cnn", "attributes": 5}, "64 channels of a cell .* split into 5 attributes"),
        ({"vision": "cnn", "attributes": 0}, "attributes must be at least 1"),
        ({"vision": "cnn", "conv_channels": (8, 8)}, "three numbers"),
        ({"vision": "cnn", "conv_channels": (8, 0, 8)}, "three numbers of at least 1"),
        ({"vision": "chaplot"}, "whose fusion is 'gated' or 'concat', not 'attribute_gated'"),
        ({"vision": "chaplot", "fusion": "gated"}, "whose language is 'gru', not 'positional'"),
        ({"vision": "chaplot", "fusion": "gated", "language": "gru"}, "whose memory is 'lstm', not 'none'"),
        ({"time_dim": -1}, "time_dim must be at least 0"),
        ({"time_steps": 0}, "time_steps must be at least 1"),
    ],
)
def test_settings_of_an_agent_that_do_not_go_together_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        AgentConfig(**settings)


def test_attributes_may_be_of_any_number_where_nothing_is_split() -> None:
    assert AgentConfig(vision="cnn", fusion="film", attributes=5).attributes == 5


def test_configuration_comes_back_from_plain_values() -> None:
    for config in (AgentConfig(), AgentConfig.chaplot(fusion="concat"), AgentConfig(vision="cnn", time_dim=8)):
        assert AgentConfig.from_dict(json.loads(json.dumps(dataclasses.asdict(config)))) == config
