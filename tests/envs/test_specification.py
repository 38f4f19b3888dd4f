"""What an agent is built for is told by environments or read off their spaces, and anything else is refused."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorWrapper
from specs import rgb_spec

import groundling
from groundling.agents import ActorCritic, AgentConfig
from groundling.envs import EpisodeBank, make_vec
from groundling.envs.banks.bank import CLAUSE_TOKENS
from groundling.envs.engine.constants import NUM_TYPES, Action
from groundling.envs.engine.embodiment import GRID
from groundling.envs.first_person import Camera
from groundling.envs.specification import spec_of, spec_of_spaces
from groundling.errors import ConfigurationError
from groundling.interfaces import CATEGORY, DEPTH, MAP, MASK, RGB, SEGMENTATION, SYMBOLS, TOKENS, VECTOR, Field, Spec
from groundling.language.vocabulary import VOCABULARY, Vocabulary

IMAGE = spaces.Box(0, 255, (48, 64, 3), np.uint8)
WORDS = spaces.Box(0, 18, (5,), np.int64)
LEVEL = "BabyAI-GoToLocal-v0"


def pictures(**changes: Any) -> spaces.Dict:
    parts = {"image": IMAGE, "instruction": WORDS, **changes}
    return spaces.Dict({key: part for key, part in parts.items() if part is not None})


def grid_envs(**changes: Any) -> Any:
    return make_vec(bank=EpisodeBank.of_seeds(LEVEL, range(2)), num_envs=2, **changes)


# Read off spaces


def test_default_specification_is_that_of_the_grid() -> None:
    envs = grid_envs()
    assert spec_of(envs) == ActorCritic().spec == GRID.spec(CLAUSE_TOKENS)
    assert spec_of(envs).actions == tuple(action.name.lower() for action in Action)
    assert spec_of(envs).vocabulary == VOCABULARY


def test_grid_is_the_same_read_off_its_spaces_as_told() -> None:
    envs = grid_envs()
    read = spec_of_spaces(envs.single_observation_space, envs.single_action_space, len(VOCABULARY))
    assert read == spec_of(envs)
    assert {key: part.kind for key, part in read.observation.items()} == {
        "image": SYMBOLS,
        "direction": CATEGORY,
        "instruction": TOKENS,
    }
    assert read.observation["direction"].size == 4


def test_specification_of_pixels_is_read_off_and_comes_back_from_json() -> None:
    spec = spec_of_spaces(pictures(), spaces.Discrete(3))
    assert spec == rgb_spec(48, 64, 3, 19, length=5)
    for each in (spec, spec_of(grid_envs())):
        again = Spec.from_dict(json.loads(json.dumps(each.to_dict())))
        assert again == each
        assert again.vocabulary.words == each.vocabulary.words
        assert again.actions == each.actions


def bounded(*highest: int) -> spaces.Box:
    """Symbols of a type, a color and a state up to these."""
    high = np.broadcast_to(np.array(highest, dtype=np.uint8), (9, 9, 3))
    return spaces.Box(np.zeros((9, 9, 3), dtype=np.uint8), high, dtype=np.uint8)


@pytest.mark.parametrize(
    ("space", "field"),
    [
        (spaces.Box(0, 255, (8, 9, 3), np.uint8), Field((8, 9, 3), "uint8", RGB)),
        (spaces.Box(0, 255, (7, 7, 3), np.uint8), Field((7, 7, 3), "uint8", SYMBOLS)),
        (spaces.Box(0, 10, (9, 9, 3), np.uint8), Field((9, 9, 3), "uint8", SYMBOLS)),
        (spaces.Box(0, 40, (9, 9, 3), np.uint8), Field((9, 9, 3), "uint8", RGB)),
        (bounded(16, 9, 6), Field((9, 9, 3), "uint8", SYMBOLS)),
        (bounded(26, 9, 6), Field((9, 9, 3), "uint8", SYMBOLS, sizes=(27, 10, 7))),
        (bounded(5, 12, 6), Field((9, 9, 3), "uint8", SYMBOLS, sizes=(NUM_TYPES, 13, 7))),
        (bounded(200, 200, 100), Field((9, 9, 3), "uint8", RGB)),
        (spaces.Box(0, np.inf, (8, 9), np.float32), Field((8, 9), "float32", DEPTH)),
        (spaces.Box(-1, 1, (6,), np.float64), Field((6,), "float64", VECTOR)),
        (spaces.MultiBinary(4), Field((4,), "int8", MASK)),
        (spaces.Discrete(5), Field((), "int64", CATEGORY, 5)),
    ],
)
def test_kind_of_a_field_is_read_off_its_space(space: Any, field: Field) -> None:
    assert spec_of_spaces(pictures(other=space), spaces.Discrete(3)).observation["other"] == field


def test_symbols_of_what_was_seen_are_a_map() -> None:
    space = spaces.Box(0, 10, (9, 9, 3), np.uint8)
    assert spec_of_spaces(pictures(explored=space), spaces.Discrete(3)).observation["explored"].kind == MAP


def test_number_of_words_can_be_given() -> None:
    unbounded = pictures(instruction=spaces.Box(0, np.iinfo(np.int64).max, (5,), np.int64))
    assert len(spec_of_spaces(unbounded, spaces.Discrete(3), 30).vocabulary) == 30
    with pytest.raises(ConfigurationError, match="how many token ids"):
        spec_of_spaces(unbounded, spaces.Discrete(3))


def test_words_are_those_that_are_told_else_ours_where_there_are_as_many_else_nobody_s() -> None:
    own = Vocabulary.of(["left", "right"])
    told = spec_of_spaces(pictures(), spaces.Discrete(3), own)
    assert told.vocabulary == own
    assert told.observation["instruction"].size == len(own)
    assert spec_of_spaces(pictures(), spaces.Discrete(3), len(VOCABULARY)).vocabulary == VOCABULARY
    other = spec_of_spaces(pictures(), spaces.Discrete(3), len(VOCABULARY) + 1).vocabulary
    assert not other.is_named


def test_actions_have_the_names_that_are_told_else_minigrid_s_else_numbers() -> None:
    assert spec_of_spaces(pictures(), spaces.Discrete(2), action_names=("left", "right")).actions == ("left", "right")
    assert spec_of_spaces(pictures(), spaces.Discrete(7)).actions[2] == "forward"
    assert spec_of_spaces(pictures(), spaces.Discrete(3)).actions == ("0", "1", "2")
    with pytest.raises(ConfigurationError, match=r"2 actions have as many names, got 1: \('left',\)"):
        spec_of_spaces(pictures(), spaces.Discrete(2), action_names=("left",))


@pytest.mark.parametrize(
    ("observation", "action", "message"),
    [
        (IMAGE, spaces.Discrete(3), "no instruction of token ids: they are not a Dict"),
        (pictures(instruction=None), spaces.Discrete(3), "no instruction of token ids: they are a Dict of image"),
        (
            pictures(image=spaces.Box(0, 1, (64, 64, 3), np.float32)),
            spaces.Discrete(3),
            r"image is \[64, 64, 3\] float32",
        ),
        (pictures(image=spaces.Box(0, 255, (3, 64, 64), np.uint8)), spaces.Discrete(3), r"an agent sees \[H, W, 3\]"),
        (pictures(other=spaces.Box(0, 9, (4,), np.int64)), spaces.Discrete(3), r"other is \[4\] int64"),
        (pictures(other=spaces.Text(9)), spaces.Discrete(3), "no agent reads other, a Text"),
        (pictures(), spaces.Box(-1, 1, (2,)), "acts by Discrete"),
        (pictures(), spaces.Discrete(3, start=1), "acts by Discrete"),
    ],
)
def test_space_that_no_agent_suits_is_refused(observation: Any, action: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        spec_of_spaces(observation, action)


# Told by environments


def test_rover_tells_the_kinds_of_its_senses() -> None:
    senses = Camera(width=40, height=32, depth=True, segmentation=True)
    envs = grid_envs(body="rover", camera=senses, top_down_pixels=4)
    kinds = {key: part.kind for key, part in spec_of(envs).observation.items()}
    assert kinds == {
        "image": RGB,
        "depth": DEPTH,
        "segmentation": SEGMENTATION,
        "top_down": RGB,
        "instruction": TOKENS,
    }
    assert spec_of(envs).observation["segmentation"].size == 256


class Told(gymnasium.Env):
    """Spaces that nobody could read, and a specification."""

    observation_space = spaces.Dict({"sound": spaces.Text(9), "instruction": WORDS})
    action_space = spaces.Discrete(2)
    agent_spec = rgb_spec(8, 8, 2, 19)


def test_specification_that_environments_tell_comes_before_their_spaces_under_wrappers_too() -> None:
    env = Told()
    assert spec_of(env) is Told.agent_spec
    assert spec_of(gymnasium.wrappers.TimeLimit(env, 5)) is Told.agent_spec
    envs = grid_envs()
    envs.agent_spec = Told.agent_spec
    assert spec_of(VectorWrapper(VectorWrapper(envs))) is Told.agent_spec


def test_words_and_names_are_found_under_wrappers() -> None:
    class Named(gymnasium.Env):
        observation_space = pictures()
        action_space = spaces.Discrete(2)
        vocabulary = Vocabulary.of(f"word{number}" for number in range(17))
        action_names = ("left", "right")

    spec = spec_of(gymnasium.wrappers.TimeLimit(Named(), 5))
    assert spec == Spec(spec_of_spaces(pictures(), spaces.Discrete(2)).observation, ("left", "right"), Named.vocabulary)


def test_foreign_vector_environments_of_our_worlds_are_those_of_one_of_them() -> None:
    envs = SyncVectorEnv([lambda: groundling.make(LEVEL)] * 2, autoreset_mode=AutoresetMode.SAME_STEP)
    assert spec_of(envs).differences(GRID.spec(CLAUSE_TOKENS)) == []


# Compared


def test_differences_are_told_in_words() -> None:
    spec = rgb_spec(8, 9, 2, 19)
    assert spec.differences(rgb_spec(8, 9, 2, 19)) == []
    assert spec.differences(rgb_spec(9, 8, 2, 19)) == ["image is rgb [9, 8, 3], not rgb [8, 9, 3]"]
    assert spec.differences(rgb_spec(8, 9, 3, 19)) == ["the actions are 0, 1, 2, not 0, 1"]
    renamed = dataclasses.replace(spec, actions=("left", "right"))
    assert spec.differences(renamed) == ["the actions are left, right, not 0, 1"]
    words = dataclasses.replace(spec, vocabulary=Vocabulary.of(f"word{number}" for number in range(17)))
    assert spec.differences(words) == ["the vocabulary has 19 words, not the same 19"]
    more = dataclasses.replace(spec, observation={**spec.observation, "depth": Field((8, 9), "float32", DEPTH)})
    assert spec.differences(more) == ["depth is new"]
    assert more.differences(spec) == ["depth is missing"]
    four, five = (
        dataclasses.replace(spec, observation={**spec.observation, "room": Field((), "int64", CATEGORY, size)})
        for size in (4, 5)
    )
    assert four.differences(five) == ["room is category [] of 5, not category [] of 4"]


def test_longer_padding_of_the_instruction_is_no_difference() -> None:
    assert rgb_spec(8, 9, 2, 19, length=4).differences(rgb_spec(8, 9, 2, 19, length=40)) == []


def test_keys_are_found_by_their_kinds() -> None:
    spec = spec_of_spaces(pictures(far=spaces.Box(0, np.inf, (48, 64), np.float32)), spaces.Discrete(3))
    assert set(spec.keys_of(RGB, DEPTH)) == {"far", "image"}
    assert spec.keys_of(SYMBOLS) == ()
    assert spec.num_actions == 3


# What a vision can see


@pytest.mark.parametrize(
    ("config", "shape", "message"),
    [
        (AgentConfig(), (64, 64, 3), "choose the agent's vision 'cnn'"),
        (AgentConfig(vision="cnn"), (7, 7, 3), "too small for vision 'cnn'.*vision 'symbolic'"),
        (AgentConfig.chaplot(), (43, 64, 3), "too small for vision 'chaplot'"),
        (AgentConfig(vision="cnn", language="sentence"), (64, 64, 3), "give the environments an attribute vocabulary"),
    ],
)
def test_vision_that_does_not_suit_the_images_is_refused(config: AgentConfig, shape: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        ActorCritic(config, rgb_spec(*shape[:2], 3, 19))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"vision": "eagle"},
            "there is no observation encoder 'eagle': choose one of symbolic, scene, cnn, chaplot, document, txt2pi, "
            "emma, vector, pacman, convolved, centered, commands",
        ),
        ({"vision": "cnn", "cell_dim": 64}, "vision 'cnn' has no setting 'cell_dim'"),
        ({"vision": "symbolic", "conv_channels": (8, 8, 8)}, "vision 'symbolic' has no setting 'conv_channels'"),
        ({"vision": "symbolic", "attributes": 2}, "vision 'symbolic' has no setting 'attributes'"),
        ({"vision": "cnn", "attributes": 5}, "64 channels of a cell .* split into 5 attributes"),
        ({"vision": "cnn", "attributes": 0}, "attributes must be at least 1"),
        ({"vision": "cnn", "conv_channels": (8, 8)}, "three numbers"),
        ({"vision": "cnn", "conv_channels": (8, 0, 8)}, "three numbers of at least 1"),
        ({"vision": "chaplot"}, "whose fusion is 'gated' or 'concat', not 'attribute_gated'"),
        ({"vision": "chaplot", "fusion": "gated"}, "whose language is 'gru', not 'positional'"),
        ({"vision": "chaplot", "fusion": "gated", "language": "gru"}, "whose memory is 'lstm', not 'none'"),
        ({"time_dim": -1}, "time_dim must be at least 0"),
        ({"time_steps": 0}, "time_steps must be at least 1"),
        ({"fusion": "glue"}, "fusion is one of attribute_gated, gated, film, concat, cross_attention, not 'glue'"),
        ({"memory": "elephant"}, "memory is one of none, gru, lstm, not 'elephant'"),
    ],
)
def test_settings_of_an_agent_that_do_not_go_together_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        AgentConfig(**settings)


def test_attributes_may_be_of_any_number_where_nothing_is_split() -> None:
    assert AgentConfig(vision="cnn", fusion="film", attributes=5).vision_settings.attributes == 5


def test_configuration_comes_back_from_plain_values() -> None:
    for config in (
        AgentConfig(),
        AgentConfig.chaplot(fusion="concat"),
        AgentConfig(vision="cnn", time_dim=8, conv_channels=(4, 5, 8)),
        AgentConfig(map_radius=4, encoders=("vector",), ignores=("top_down",)),
    ):
        assert AgentConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
