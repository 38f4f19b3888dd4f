"""Which encoder reads which field, and that what it reads reaches the agent's decisions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from groundling.agents import ActorCritic, AgentConfig
from groundling.agents.assembly import assigned_fields
from groundling.agents.encoders.pixels import CNNConfig, CNNEncoder
from groundling.agents.encoders.symbolic import SymbolicConfig, SymbolicEncoder
from groundling.agents.encoders.vectors import VectorEncoder
from groundling.envs import EpisodeBank, make_vec
from groundling.envs.specification import spec_of
from groundling.errors import ConfigurationError, ExtensionError, ObservationError
from groundling.interfaces import (
    CATEGORY,
    DEPTH,
    GRAY,
    MAP,
    MASK,
    RGB,
    SEGMENTATION,
    SYMBOLS,
    TOKENS,
    VECTOR,
    Field,
    Spec,
)
from groundling.language.vocabulary import VOCABULARY, Vocabulary

B, H, W, LENGTH, WORDS = 5, 36, 44, 4, 9
SMALL: dict[str, Any] = {"word_dim": 5, "instruction_dim": 7, "readout_dim": 3, "hidden_dim": 11}
PIXELS = AgentConfig(vision="cnn", conv_channels=(4, 4, 8), **SMALL)
FIELDS = {
    "image": Field((H, W, 3), "uint8", RGB),
    "gray": Field((H, W), "uint8", GRAY),
    "depth": Field((H, W), "float32", DEPTH),
    "segmentation": Field((H, W), "uint8", SEGMENTATION, 6),
    "pose": Field((3,), "float32", VECTOR),
    "may": Field((4,), "int8", MASK),
    "room": Field((), "int64", CATEGORY, 5),
    "symbols": Field((7, 7, 3), "uint8", SYMBOLS),
    "direction": Field((), "int64", CATEGORY, 4),
    "top_down": Field((40, 40, 3), "uint8", RGB),
    "instruction": Field((LENGTH,), "int64", TOKENS, WORDS),
}


def spec_with(*keys: str, **others: Field) -> Spec:
    """A specification of these fields and an instruction."""
    fields = {key: FIELDS[key] for key in keys} | others
    return Spec({**fields, "instruction": FIELDS["instruction"]}, ("left", "right"), Vocabulary.unnamed(WORDS))


def observation_of(spec: Spec, seed: int = 0) -> dict[str, Any]:
    """Random numbers of every field."""
    rng, found = np.random.default_rng(seed), dict[str, Any]()
    for key, part in spec.observation.items():
        highest = {RGB: 256, GRAY: 256, SYMBOLS: 3, MASK: 2}.get(part.kind, part.size)
        is_number = part.kind in (DEPTH, VECTOR)
        drawn = rng.random((B, *part.shape)) * 5 if is_number else rng.integers(0, highest, (B, *part.shape))
        found[key] = drawn.astype(part.dtype)
    return found


def make_agent(config: AgentConfig, spec: Spec) -> ActorCritic:
    torch.manual_seed(0)
    agent = ActorCritic(config, spec)
    nn.init.normal_(agent.policy.weight)
    return agent


def logits(agent: ActorCritic, observation: dict[str, Any]) -> Tensor:
    first = torch.ones(1, B, dtype=torch.bool)
    return agent(agent.prepare(observation), agent.initial_state(B), first).logits[0]


def assigned(config: AgentConfig, spec: Spec) -> list[tuple[type[Any], tuple[str, ...]]]:
    return [(kind, keys) for kind, keys in assigned_fields(config, spec)]


def depends_on(agent: ActorCritic, key: str) -> bool:
    """Whether other numbers of a field give other decisions, the rest being the same."""
    seen, other = observation_of(agent.spec), observation_of(agent.spec, seed=1)
    with torch.no_grad():
        return not torch.equal(logits(agent, seen), logits(agent, {**seen, key: other[key]}))


# Who reads what


def test_vision_takes_its_own_and_what_is_left_goes_to_the_encoder_of_its_kind() -> None:
    spec = spec_with("pose", "image", "depth", "segmentation", "room", "may")
    assert assigned(PIXELS, spec) == [
        (CNNEncoder, ("image", "depth", "segmentation")),
        (VectorEncoder, ("pose", "room", "may")),
    ]


def test_view_from_above_beside_symbols_is_read_by_a_cnn_of_its_own() -> None:
    spec = spec_with("symbols", "direction", "top_down")
    assert assigned(AgentConfig(), spec) == [(SymbolicEncoder, ("symbols", "direction")), (CNNEncoder, ("top_down",))]
    agent = make_agent(AgentConfig(**SMALL), spec)
    assert depends_on(agent, "top_down")
    assert depends_on(agent, "symbols")
    assert agent.observation_keys == ("symbols", "direction", "top_down", "instruction")


def test_view_from_above_of_our_worlds_is_seen_and_learned_from() -> None:
    envs = make_vec(bank=EpisodeBank.of_seeds("BabyAI-GoToObjS4-v0", range(B)), num_envs=B, top_down_pixels=8)
    agent = make_agent(AgentConfig(**SMALL), spec_of(envs))
    seen, _ = envs.reset(seed=0)
    seen = {key: np.array(array) for key, array in seen.items()}
    before = logits(agent, seen)
    before.square().sum().backward()
    (above,) = agent.others
    assert isinstance(above, CNNEncoder)
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in above.vision.parameters())
    assert not torch.equal(logits(agent, {**seen, "top_down": 255 - seen["top_down"]}), before)
    assert above.language is agent.encoder.language  # the instruction is encoded by one network


def test_pictures_of_another_size_have_an_encoder_of_their_own() -> None:
    spec = spec_with("image", "top_down", "depth")
    assert assigned(PIXELS, spec) == [(CNNEncoder, ("image", "depth")), (CNNEncoder, ("top_down",))]
    agent = make_agent(PIXELS, spec)
    assert depends_on(agent, "top_down")


def test_gray_picture_is_seen_as_rgb_of_equal_channels_is_scaled() -> None:
    agent = make_agent(PIXELS, spec_with("gray"))
    assert assigned(PIXELS, agent.spec) == [(CNNEncoder, ("gray",))]
    assert depends_on(agent, "gray")
    prepared = agent.prepare(observation_of(agent.spec))
    image = torch.as_tensor(observation_of(agent.spec)["gray"])
    seen = agent.encoder.input(prepared.parts[0] if hasattr(prepared, "parts") else prepared)
    assert torch.allclose(seen, image.unsqueeze(1) / 255)


def test_rgb_is_the_picture_wherever_it_stands() -> None:
    spec = spec_with("depth", "top_down")
    assert assigned(PIXELS, spec) == [(CNNEncoder, ("top_down",)), (CNNEncoder, ("depth",))]


def test_encoders_that_are_named_choose_first() -> None:
    spec = spec_with("image", "room", "pose")
    named = AgentConfig(vision="cnn", conv_channels=(4, 4, 8), encoders=("vector",), **SMALL)
    assert assigned(named, spec) == [(CNNEncoder, ("image",)), (VectorEncoder, ("room", "pose"))]
    with pytest.raises(
        ConfigurationError, match="vision 'vector' reads vector, mask, action_mask, category, these environments"
    ):
        ActorCritic(named, spec_with("image"))


@pytest.mark.parametrize("key", ["image", "depth", "segmentation", "pose", "may", "room"])
def test_field_that_is_ignored_is_neither_read_nor_asked_for(key: str) -> None:
    spec = spec_with("image", "depth", "segmentation", "pose", "may", "room")
    config = AgentConfig(vision="cnn", conv_channels=(4, 4, 8), ignores=(key,), **SMALL)
    agent = make_agent(config, spec)
    assert key not in agent.observation_keys
    assert set(agent.observation_keys) == set(spec.observation) - {key}
    seen = observation_of(spec)
    del seen[key]
    assert logits(agent, seen).shape == (B, 2)


def test_what_is_to_be_ignored_must_be_there() -> None:
    config = AgentConfig(vision="cnn", ignores=("deapth",), **SMALL)
    with pytest.raises(ConfigurationError, match="ignore deapth, the environments give image, depth, instruction"):
        ActorCritic(config, spec_with("image", "depth"))


def test_kind_that_nobody_reads_is_an_error_that_names_the_keys_and_both_ways_out() -> None:
    touch, smell = Field((3,), "float32", "touch"), Field((2,), "float32", "smell")
    with pytest.raises(ConfigurationError) as error:
        ActorCritic(PIXELS, spec_with("image", hand=touch, nose=smell))
    told = str(error.value)
    assert "no observation encoder reads hand (touch), nose (smell)" in told
    assert "--agent.encoders my_file.py:MyEncoder" in told
    assert "leave them out (--agent.ignores hand nose)" in told
    assert "\n" not in told
    config = AgentConfig(vision="cnn", conv_channels=(4, 4, 8), ignores=("hand", "nose"), **SMALL)
    ActorCritic(config, spec_with("image", hand=touch, nose=smell))


def test_map_that_the_agent_has_no_settings_for_is_not_dropped_in_silence() -> None:
    explored = Field((9, 9, 3), "uint8", MAP)
    with pytest.raises(ConfigurationError, match=r"no observation encoder reads explored \(map\): .* leave it out"):
        ActorCritic(AgentConfig(), spec_with("symbols", "direction", explored=explored))
    with pytest.raises(ConfigurationError, match=r"map_radius of 4, these environments give no map"):
        ActorCritic(AgentConfig(map_radius=4), spec_with("symbols", "direction"))


def test_several_instructions_or_none_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="reads one instruction, these observations have 2"):
        ActorCritic(PIXELS, spec_with("image", hint=FIELDS["instruction"]))


# What is read is seen


@pytest.mark.parametrize("key", ["image", "depth", "segmentation", "pose", "may", "room"])
def test_decisions_depend_on_every_field_and_of_the_blind_on_none(key: str) -> None:
    spec = spec_with("image", "depth", "segmentation", "pose", "may", "room")
    assert depends_on(make_agent(PIXELS, spec), key)
    blind = AgentConfig(vision="cnn", conv_channels=(4, 4, 8), blind=True, **SMALL)
    agent = make_agent(blind, spec)
    assert not depends_on(agent, key)
    assert depends_on(agent, "instruction")


def test_gradient_reaches_what_reads_depth_segmentation_and_numbers() -> None:
    spec = spec_with("image", "depth", "segmentation", "pose", "may", "room")
    agent = make_agent(PIXELS, spec)
    logits(agent, observation_of(spec)).square().sum().backward()
    kernels = agent.get_parameter("encoder.vision.0.weight").grad
    assert kernels is not None
    assert kernels.shape[1] == 3 + 1 + 4
    assert (kernels.abs().amax(dim=(0, 2, 3)) > 0).all()
    codes = agent.get_parameter("encoder.codes_segmentation.weight").grad
    assert codes is not None
    assert (codes.abs().amax(dim=1) > 0).all()
    (numbers,) = agent.others
    gradients = [layer.weight.grad for layer in numbers.layers]
    assert all(gradient is not None and gradient.abs().max() > 0 for gradient in gradients)


def test_depth_is_nearness_from_0_to_1_and_nothing_is_infinitely_far() -> None:
    spec = spec_with("depth")
    encoder = make_agent(PIXELS, spec).encoder
    assert isinstance(encoder, CNNEncoder)
    seen = observation_of(spec)
    seen["depth"][:, 0, :3] = (0.0, 1.0, np.inf)
    numbers = encoder.input(encoder.prepare(seen))
    assert numbers.shape == (B, 1, H, W)
    torch.testing.assert_close(numbers[0, 0, 0, :3], torch.tensor([1.0, 0.5, 0.0]), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("key", "wrong", "message"),
    [
        ("pose", np.zeros((B, 4), np.float32), r"pose must be \[5, 3\] float32"),
        ("room", np.full(B, 5), "a room of 5 is out of range: it is between 0 and 4"),
        ("depth", np.zeros((B, H, W), np.uint8), "depth must be .* floating point"),
        ("segmentation", np.zeros((B, H, W, 3), np.uint8), "segmentation must be"),
        ("image", np.zeros((B + 1, H, W, 3), np.uint8), "rows"),
    ],
)
def test_field_of_another_shape_type_or_range_is_refused(key: str, wrong: Any, message: str) -> None:
    spec = spec_with("image", "depth", "segmentation", "pose", "room")
    with pytest.raises(ObservationError, match=message):
        make_agent(PIXELS, spec).prepare({**observation_of(spec), key: wrong})


def test_segmentation_s_codes_beyond_those_that_there_are_are_refused() -> None:
    spec = spec_with("image", "segmentation")
    agent, seen = make_agent(PIXELS, spec), observation_of(spec)
    seen["segmentation"][0, 0, 0] = 6
    with pytest.raises(ObservationError, match="segmentation of 6 is out of range: it is between 0 and 5"):
        agent.prepare(seen)


# Encoders and words of one's own

OWN = '''
from dataclasses import dataclass

import torch

from groundling.agents.encoders.base import ObservationEncoder


@dataclass(frozen=True)
class TouchConfig:
    """Settings.

    Attributes:
        strength: of what is felt.
    """

    strength: float = 1.0


class Touch(ObservationEncoder):
    kinds = ("touch",)
    Config = TouchConfig

    def __init__(self, config, spec, keys, language=None):
        super().__init__(config, spec, keys, language)
        self.layer = torch.nn.Linear(spec.observation[keys[0]].shape[0], config.hidden_dim)
        self.strength = config.settings_of(TouchConfig).strength

    def forward(self, prepared):
        return self.strength * self.layer(prepared.fields[self.keys[0]])
'''


@pytest.fixture
def place(tmp_path: Path) -> str:
    (tmp_path / "own_encoders.py").write_text(OWN)
    return f"{tmp_path / 'own_encoders.py'}:Touch"


def test_encoder_of_a_file_reads_beside_the_vision_with_settings_of_its_own(place: str) -> None:
    spec = spec_with("image", hand=Field((3,), "float32", "touch"))
    plain = AgentConfig(vision="cnn", conv_channels=(4, 4, 8), encoders=(place,), **SMALL)
    (kind,) = (kind for name, kind in plain.encoder_classes.items() if name == place)
    agent = make_agent(plain, spec)
    seen = observation_of(spec.__class__({k: v for k, v in spec.observation.items() if k != "hand"}, (), VOCABULARY))
    seen["hand"] = np.ones((B, 3), np.float32)
    before = logits(agent, seen)
    assert not torch.equal(logits(agent, {**seen, "hand": 2 * seen["hand"]}), before)
    settings = (plain.settings_of(CNNConfig), kind.Config(strength=0.0))
    config = AgentConfig(vision="cnn", encoders=(place,), **without_readout(), settings=settings)
    weak = make_agent(config, spec)
    assert torch.equal(logits(weak, {**seen, "hand": 2 * seen["hand"]}), logits(weak, seen))
    assert AgentConfig.from_dict(config.to_dict()) == config
    assert config.to_dict()["settings"][place] == {"strength": 0.0}


def without_readout() -> dict[str, Any]:
    return {name: size for name, size in SMALL.items() if name != "readout_dim"}


def test_encoder_of_a_file_may_be_the_vision(place: str) -> None:
    spec = spec_with(hand=Field((3,), "float32", "touch"))
    agent = make_agent(AgentConfig(vision=place, hidden_dim=11, strength=2.0), spec)
    seen = {"hand": np.ones((B, 3), np.float32), "instruction": np.ones((B, LENGTH), np.int64)}
    assert not torch.equal(logits(agent, seen), logits(agent, {**seen, "hand": -seen["hand"]}))
    with pytest.raises(ConfigurationError, match="has no fusion of words"):
        _ = agent.text_encoder
    with pytest.raises(ConfigurationError, match=f"vision '{place}' has no setting 'strenght'"):
        AgentConfig(vision=place, strenght=2.0)


def test_encoder_that_a_file_has_not_is_refused(place: str) -> None:
    with pytest.raises(ExtensionError, match="has no 'Tuch'; it has Touch"):
        AgentConfig(encoders=(place.replace("Touch", "Tuch"),))


def test_settings_of_an_encoder_that_is_not_there_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="SymbolicConfig are no settings of this agent's encoders, cnn"):
        AgentConfig(vision="cnn", settings=(SymbolicConfig(),))


@pytest.mark.parametrize("kind", ["sentence", "sentence-tuned"])
def test_sentence_encoder_reads_any_vocabulary_whose_words_are_known(
    kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Vocabulary] = []

    class Reader(nn.Module):
        def __init__(self, out_dim: int, *, vocabulary: Vocabulary, model: Any = None) -> None:
            super().__init__()
            given.append(vocabulary)
            self.layer = nn.Embedding(len(vocabulary), out_dim)

        def forward(self, tokens: Tensor) -> Tensor:
            return self.layer(tokens).sum(dim=1)

    monkeypatch.setattr("groundling.language.encoders.SentenceEncoder", Reader)
    monkeypatch.setattr("groundling.language.encoders.TunedSentenceEncoder", Reader)
    spec = spec_with("image")
    named = Spec(spec.observation, spec.actions, Vocabulary.of(["turn", "to", "the", "red", "blue", "lamp", "chair"]))
    config = AgentConfig(vision="cnn", conv_channels=(4, 4, 8), language=kind, **SMALL)
    agent = make_agent(config, named)
    assert given == [named.vocabulary]
    assert depends_on(agent, "instruction")
    with pytest.raises(ConfigurationError, match=f"'{kind}' turns token ids back into text, but nobody told"):
        ActorCritic(config, spec)
