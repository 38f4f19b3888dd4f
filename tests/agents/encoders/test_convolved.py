"""Vision "convolved": it finds what is beside what, anywhere, under the words of each observation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from groundling.agents import ActorCritic, AgentConfig
from groundling.agents.encoders.convolved import ConvolvedConfig, ConvolvedEncoder
from groundling.envs.catalog import find_family
from groundling.errors import ConfigurationError
from groundling.interfaces import MAP, SYMBOLS, Field, Spec

TASK = "groundling/GridLU-Relations-v0"


def make_agent(**settings: Any) -> ActorCritic:
    torch.manual_seed(0)
    config = AgentConfig(vision="convolved", hidden_dim=12, settings=(ConvolvedConfig(channels=6, **settings),))
    return ActorCritic(config, find_family(TASK).spec)


def observation(count: int = 40) -> dict[str, Any]:
    envs = find_family(TASK).make_vec("all", count, 0)
    return envs.reset(seed=0)[0]


def features(agent: ActorCritic, seen: dict[str, Any]) -> torch.Tensor:
    return agent.features(agent.prepare(seen))


def test_features_of_an_observation_do_not_depend_on_others_in_the_batch() -> None:
    agent, seen = make_agent(), observation()
    whole = features(agent, seen)
    assert whole.shape == (40, 12)
    alone = torch.cat([features(agent, {key: array[i : i + 1] for key, array in seen.items()}) for i in range(40)])
    assert torch.allclose(whole, alone, atol=1e-5)
    with agent.inference_cache(), torch.no_grad():
        assert torch.allclose(features(agent, seen), whole, atol=1e-5)


def test_every_parameter_is_learned() -> None:
    agent = make_agent(layers=2)
    features(agent, observation(200)).square().sum().backward()
    still = [name for name, p in agent.encoder.named_parameters() if p.grad is None or not p.grad.abs().sum()]
    assert [name for name in still if "place" not in name or "places" in name] == []


def test_what_is_found_anywhere_is_the_same_wherever_it_is() -> None:
    """Moved within a larger grid, two cells off its edges, the layers that know places apart."""
    spec = find_family(TASK).spec
    wide = replace(spec.observation["image"], shape=(9, 9, 3))
    torch.manual_seed(0)
    agent = ActorCritic(make_agent().config, Spec({**spec.observation, "image": wide}, spec.actions, spec.vocabulary))
    encoder = agent.encoder
    assert isinstance(encoder, ConvolvedEncoder)
    with torch.no_grad():
        encoder.spatial.weight.zero_()
        encoder.places.weight.zero_()
    images = np.tile(np.array([2, 0, 0], dtype=np.uint8), (3, 9, 9, 1))
    red, blue = (np.array([5, color, 0], dtype=np.uint8) for color in (6, 8))
    images[0, 2, 2], images[0, 3, 2] = red, blue
    images[1, 5, 4], images[1, 6, 4] = red, blue
    images[2, 5, 4], images[2, 5, 5] = red, blue  # beside instead of below
    found = features(agent, {"image": images, "instruction": observation(1)["instruction"].repeat(3, axis=0)})
    assert torch.allclose(found[0], found[1], atol=1e-5)
    assert not torch.allclose(found[0], found[2], atol=1e-4)


def test_map_is_left_to_others_and_refused_in_the_settings() -> None:
    fields = {"image": Field((7, 7, 3), "uint8", SYMBOLS), "explored": Field((9, 9, 3), "uint8", MAP)}
    assert ConvolvedEncoder.claim(fields, AgentConfig(vision="convolved")) == ("image",)
    for settings, message in (({"map_radius": 3}, "reads no map"), ({"layers": 0}, "layers must be at least 1")):
        with pytest.raises(ConfigurationError, match=message):
            ConvolvedConfig(**settings)
