"""Eyes for pixels: the equations written out, rows that do not touch each other, blindness, checks, and the paper."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from specs import rgb_spec
from torch import Tensor, nn
from torch.nn import functional

from groundling.agents import ActorCritic, AgentConfig
from groundling.agents.encoders.chaplot import ChaplotEncoder
from groundling.agents.encoders.pixels import CNNConfig, CNNEncoder, PixelEncoder
from groundling.agents.explanation import attention, attention_map, gates, word_strength
from groundling.agents.fusion import FUSIONS, AttributeGatedFusion
from groundling.errors import ConfigurationError, ObservationError

B, L, WORDS, ACTIONS = 6, 4, 19, 3
HEIGHT, WIDTH = 52, 60
SPEC = rgb_spec(HEIGHT, WIDTH, ACTIONS, WORDS)
SMALL: dict[str, Any] = {"word_dim": 5, "instruction_dim": 7, "hidden_dim": 11, "memory_dim": 9, "time_dim": 3}
CNN: dict[str, Any] = {**SMALL, "vision": "cnn", "conv_channels": (6, 7, 8), "attributes": 2, "readout_dim": 3}
CHAPLOT: dict[str, Any] = {**SMALL, "conv_channels": (6, 7, 8)}


def cnn(**changes: Any) -> AgentConfig:
    return AgentConfig(**{**CNN, **changes})


CONFIGS = {
    **{fusion: cnn(fusion=fusion) for fusion in FUSIONS},
    "chaplot gated": AgentConfig.chaplot(**CHAPLOT),
    "chaplot concat": AgentConfig.chaplot(**CHAPLOT, fusion="concat"),
}
ALL = pytest.mark.parametrize("kind", CONFIGS)


def make_agent(config: AgentConfig, seed: int = 0) -> ActorCritic:
    """An agent whose parameters are all random, those that begin at zero too."""
    torch.manual_seed(seed)
    agent = ActorCritic(config, SPEC)
    for parameter in agent.parameters():
        nn.init.normal_(parameter, std=0.3)
    nn.init.zeros_(agent.encoder.language.embedding.weight[0])  # padding
    return agent


@pytest.fixture
def observation() -> dict[str, Any]:
    """Random images; rows 0 and 3 share a sentence, row 1 has a word less."""
    rng = np.random.default_rng(0)
    words = rng.integers(1, WORDS, (B, L))
    words[3], words[1, -1] = words[0], 0
    return {"image": rng.integers(0, 256, (B, HEIGHT, WIDTH, 3), dtype=np.uint8), "instruction": words}


def rows(observation: dict[str, Any], chosen: Any) -> dict[str, Any]:
    return {key: array[chosen] for key, array in observation.items()}


def features(agent: ActorCritic, observation: dict[str, Any]) -> Tensor:
    return agent.features(agent.prepare(observation))


@pytest.mark.parametrize("fusion", FUSIONS)
def test_cnn_sees_as_its_layers_do_cell_by_cell(fusion: Any, observation: dict[str, Any]) -> None:
    """One image, then one cell after the other, each as a fusion's only cell."""
    agent = make_agent(CONFIGS[fusion])
    eyes = agent.encoder
    assert isinstance(eyes, CNNEncoder)
    first, _, second, _, third = eyes.vision
    assert eyes.grid == (6, 7)
    groups = 2 if fusion == "attribute_gated" else 1
    for row in range(B):
        image = torch.as_tensor(observation["image"][row]).permute(2, 0, 1).unsqueeze(0) / 255 - 0.5
        seen = functional.conv2d(image, first.weight, first.bias, stride=4)
        seen = functional.conv2d(torch.relu(seen), second.weight, second.bias, stride=2, padding=1)
        grid = functional.conv2d(torch.relu(seen), third.weight, third.bias, padding=1)[0]
        told = eyes.encode_text(torch.as_tensor(observation["instruction"][row]).unsqueeze(0))
        read = []
        for y in range(grid.shape[1]):
            for x in range(grid.shape[2]):
                fused = eyes.fusion(grid[:, y, x].reshape(1, groups, -1), told)[0, 0]
                read.append(torch.relu(eyes.readout(fused)))
        summed = eyes.spatial(torch.cat(read))
        normal = (summed - summed.mean()) / (summed.var(unbiased=False) + 1e-5).sqrt()
        expected = torch.relu(eyes.hidden(torch.relu(normal * eyes.norm.weight + eyes.norm.bias)))
        assert expected.abs().max() > 0.1
        torch.testing.assert_close(features(agent, rows(observation, [row]))[0], expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("fusion", ["gated", "concat"])
def test_chaplot_network_is_that_of_the_paper(fusion: Any) -> None:
    """The layers of the authors' A3C_LSTM_GA, by hand, with the paper's sizes; two steps of an episode."""
    torch.manual_seed(0)
    agent = ActorCritic(AgentConfig.chaplot(fusion=fusion), rgb_spec(64, 80, 3, WORDS))
    part = dict(agent.named_parameters())
    shapes = {name.removeprefix("encoder."): tuple(p.shape) for name, p in part.items() if p.ndim > 1}
    flat = 64 * 2 * 3
    assert shapes == {
        "vision.0.weight": (128, 3, 8, 8),
        "vision.2.weight": (64, 128, 4, 4),
        "vision.4.weight": (64, 64, 4, 4),
        "language.embedding.weight": (WORDS, 32),
        "language.gru.weight_ih_l0": (768, 32),
        "language.gru.weight_hh_l0": (768, 256),
        **({"fusion.gate.weight": (64, 256)} if fusion == "gated" else {}),
        "linear.weight": (256, flat if fusion == "gated" else flat + 256),
        "memory.cell.weight_ih": (1024, 256),
        "memory.cell.weight_hh": (1024, 256),
        "memory.time.weight": (31, 32),
        "policy.weight": (3, 288),
        "value.weight": (1, 288),
    }
    image = torch.randint(0, 256, (2, 64, 80, 3), dtype=torch.uint8)
    words = torch.tensor([[3, 4, 5], [6, 7, 8]])
    is_first = torch.tensor([[True], [False]])
    with torch.no_grad():
        decision = agent(agent.prepare({"image": image, "instruction": words}), agent.initial_state(1), is_first)
        lstm, hidden = agent.memory.cell, (torch.zeros(1, 256), torch.zeros(1, 256))
        for step in range(2):
            x = image[step : step + 1].permute(0, 3, 1, 2) / 255
            for layer, stride in (("0", 4), ("2", 2), ("4", 2)):
                weight, bias = part[f"encoder.vision.{layer}.weight"], part[f"encoder.vision.{layer}.bias"]
                x = torch.relu(functional.conv2d(x, weight, bias, stride=stride))
            _, told = agent.encoder.language.gru(agent.encoder.language.embedding(words[step : step + 1]))
            if fusion == "gated":
                gate = torch.sigmoid(told[0] @ part["encoder.fusion.gate.weight"].T + part["encoder.fusion.gate.bias"])
                x = x * gate[:, :, None, None]
            x = x.permute(0, 2, 3, 1).flatten(1)  # the order of the flattened features is ours
            x = x if fusion == "gated" else torch.cat([x, told[0]], dim=1)
            hidden = lstm(torch.relu(agent.encoder.linear(x)), hidden)
            x = torch.cat([hidden[0], part["memory.time.weight"][step : step + 1]], dim=1)
            torch.testing.assert_close(decision.logits[step], agent.policy(x), rtol=1e-3, atol=1e-5)
            torch.testing.assert_close(decision.value[step], agent.value(x)[:, 0], rtol=1e-3, atol=1e-5)


@ALL
def test_a_row_does_not_depend_on_the_other_rows(kind: str, observation: dict[str, Any]) -> None:
    agent = make_agent(CONFIGS[kind])
    together = features(agent, observation)
    for row in range(B):
        torch.testing.assert_close(together[[row]], features(agent, rows(observation, [row])), rtol=1e-3, atol=1e-4)


@ALL
def test_rows_of_percepts_are_the_percepts_of_rows(kind: str, observation: dict[str, Any]) -> None:
    agent = make_agent(CONFIGS[kind])
    prepared = agent.prepare(observation)
    chosen = torch.tensor([4, 1, 1])
    assert (len(prepared), len(prepared.rows(chosen))) == (B, 3)
    own = features(agent, rows(observation, chosen.numpy()))
    torch.testing.assert_close(agent.features(prepared.rows(chosen)), own, rtol=1e-3, atol=1e-4)


@ALL
def test_seeing_agent_depends_on_image_and_instruction(kind: str, observation: dict[str, Any]) -> None:
    agent = make_agent(CONFIGS[kind])
    before = features(agent, observation)
    for key in ("image", "instruction"):
        after = features(agent, {**observation, key: observation[key][::-1].copy()})
        assert not torch.allclose(before, after, atol=1e-3), key


@pytest.mark.parametrize("config", [cnn(blind=True), AgentConfig.chaplot(**CHAPLOT, blind=True)])
def test_blind_agent_ignores_the_image_and_hears_the_instruction(
    config: AgentConfig, observation: dict[str, Any]
) -> None:
    agent = make_agent(config)
    before = features(agent, observation)
    assert torch.equal(before, features(agent, {**observation, "image": observation["image"][::-1].copy()}))
    heard = features(agent, {**observation, "instruction": observation["instruction"][::-1].copy()})
    assert not torch.allclose(before, heard, atol=1e-4)


@ALL
def test_gradient_reaches_every_parameter(kind: str, observation: dict[str, Any]) -> None:
    agent = make_agent(CONFIGS[kind])
    prepared = agent.prepare(observation)
    decision = agent(prepared, agent.initial_state(2), torch.zeros(3, 2, dtype=torch.bool))
    (decision.logits.log_softmax(dim=-1)[..., 0].sum() + decision.value.sum()).backward()
    untouched = [name for name, p in agent.named_parameters() if p.grad is None or not p.grad.any()]
    assert untouched == []


@ALL
def test_bfloat16_rounds_what_is_seen_and_nothing_else(kind: str, observation: dict[str, Any]) -> None:
    agent = make_agent(CONFIGS[kind])
    exact = features(agent, observation)
    agent.encoder.precision = "bfloat16"
    rounded = features(agent, observation)
    assert rounded.dtype == torch.float32
    error = (rounded - exact).square().mean().sqrt() / exact.square().mean().sqrt()
    assert 1e-4 < error < 0.03
    rounded.sum().backward()
    assert {p.grad.dtype for p in agent.encoder.parameters() if p.grad is not None} == {torch.float32}
    shown = attention_map(agent, observation)
    assert shown.dtype == torch.float32
    agent.encoder.precision = "float32"
    assert torch.equal(features(agent, observation), exact)
    torch.testing.assert_close(shown, attention_map(agent, observation), rtol=0.1, atol=0.05)


def test_what_all_pictures_share_is_taken_off_before_they_are_rounded() -> None:
    """A mean picture is no whole number, and less than 1/255 from a picture: 8 bits would not tell them apart."""
    eyes = make_agent(cnn()).encoder
    assert isinstance(eyes, CNNEncoder)
    eyes.precision = "bfloat16"
    image = torch.full((1, HEIGHT, WIDTH, 3), 254, dtype=torch.uint8)
    shade = eyes.scaled(image, torch.full((3, HEIGHT, WIDTH), 254.3 / 255))
    assert shade.dtype == torch.bfloat16
    torch.testing.assert_close(shade.float(), torch.full_like(shade, -0.3 / 255).float(), rtol=1e-2, atol=0)


def test_images_stay_bytes_until_they_are_looked_at(observation: dict[str, Any]) -> None:
    """A rollout's images are taken in without a copy, and a minibatch's with one of the same size."""
    prepared: Any = make_agent(cnn()).prepare(observation)
    (image,) = prepared.parts[0].images
    assert np.shares_memory(image.numpy(), observation["image"])
    assert prepared.rows(torch.tensor([0, 1])).parts[0].images[0].dtype == torch.uint8


def test_encoder_reads_each_sentence_once(observation: dict[str, Any]) -> None:
    agent = make_agent(cnn())
    read: list[int] = []
    agent.encoder.language.embedding.register_forward_hook(lambda module, tokens, out: read.append(len(tokens[0])))
    features(agent, {**observation, "instruction": np.repeat(observation["instruction"][:2], 3, axis=0)})
    assert read == [2]


def test_every_attribute_has_channels_and_words_of_its_own(observation: dict[str, Any]) -> None:
    agent = make_agent(cnn())
    assert isinstance(agent.encoder, CNNEncoder)
    fusion = agent.encoder.fusion
    assert isinstance(fusion, AttributeGatedFusion)
    cells = agent.encoder.cells(agent.encoder.prepare(observation))
    assert cells.shape == (B, 6 * 7, 2, 4)
    listening = fusion.listening(agent.encoder.encode_text(torch.tensor([[3, 4, 5]])))[0, :, :, 0]
    assert not torch.allclose(listening[:, 0], listening[:, 1], atol=1e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"instruction": None}, "has no instruction; it has image"),
        ({"image": np.zeros((HEIGHT, WIDTH, 3), np.uint8)}, "needs a batch dimension"),
        ({"image": np.zeros((B, WIDTH, HEIGHT, 3), np.uint8)}, rf"\[B, {HEIGHT}, {WIDTH}, 3\] uint8 \(RGB"),
        ({"image": np.zeros((B, HEIGHT, WIDTH, 3), np.float32)}, "uint8"),
        ({"instruction": np.zeros((B, L))}, "integer token ids"),
        ({"instruction": np.zeros((B - 1, L), int)}, "instruction must be"),
        ({"instruction": np.full((B, L), WORDS)}, f"token id of {WORDS} is out of range"),
        ({"instruction": np.full((B, L), -1)}, "token id of -1"),
        ({"instruction": np.zeros((B, 0), int)}, "empty"),
    ],
)
def test_observation_of_another_kind_is_refused(
    change: dict[str, Any], message: str, observation: dict[str, Any]
) -> None:
    changed = {key: array for key, array in {**observation, **change}.items() if array is not None}
    with pytest.raises(ObservationError, match=message):
        make_agent(cnn()).prepare(changed)


def test_direction_is_not_asked_for_by_pixels() -> None:
    assert make_agent(cnn()).observation_keys == ("image", "instruction")
    assert ActorCritic().observation_keys == ("image", "direction", "instruction")


@ALL
def test_attention_map_has_a_number_for_every_cell_of_the_grid(kind: str, observation: dict[str, Any]) -> None:
    agent = make_agent(CONFIGS[kind])
    assert isinstance(agent.encoder, PixelEncoder)
    shown = attention_map(agent, observation)
    assert shown.shape == (B, *((1, 2) if kind.startswith("chaplot") else (6, 7)))
    assert (shown >= 0).all()
    with pytest.raises(ConfigurationError, match="attention_map"):
        attention(agent, torch.as_tensor(observation["instruction"]))


def test_calibration_takes_off_what_all_observations_have_in_common(observation: dict[str, Any]) -> None:
    """Pictures that differ in some shadow on a bright wall look almost alike to a new agent, and not to this one."""
    wall = np.random.default_rng(1).integers(100, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    images = np.repeat(wall[None], B, axis=0)
    for row in range(B):
        images[row, 20:26, 8 * row : 8 * row + 6] -= 20
    observation = {"image": images, "instruction": np.repeat(observation["instruction"][:1], B, axis=0)}
    torch.manual_seed(0)
    agent = ActorCritic(cnn(), SPEC)
    assert isinstance(agent.encoder, CNNEncoder)
    seen: dict[str, list[Tensor]] = {"spatial": [], "norm": []}
    for name, outputs in seen.items():
        layer = getattr(agent.encoder, name)
        layer.register_forward_hook(lambda _, __, given, outputs=outputs: outputs.append(given))
    features(agent, observation)
    agent.calibrate(observation)
    features(agent, observation)
    before, *_, after = (given.std(dim=0).mean() for given in seen["norm"])
    assert after > 4 * before
    torch.testing.assert_close(seen["spatial"][-1].mean(dim=0), torch.zeros(11), rtol=0, atol=1e-5)
    background = torch.as_tensor(images).float().mean(dim=0).permute(2, 0, 1) / 255
    torch.testing.assert_close(agent.encoder.background, background)
    other = ActorCritic(cnn(), SPEC)
    other.load_state_dict(agent.state_dict())
    torch.testing.assert_close(features(other, observation), features(agent, observation))


@pytest.mark.parametrize("fusion", ["gated", "concat"])
def test_calibration_gives_every_layer_of_chaplot_something_to_tell(fusion: Any, observation: dict[str, Any]) -> None:
    """Mean 0 and deviation 1 of each channel over the observations, where the authors' draw gives next to nothing."""
    torch.manual_seed(0)
    agent = ActorCritic(AgentConfig.chaplot(**CHAPLOT, fusion=fusion), SPEC)
    assert isinstance(agent.encoder, ChaplotEncoder)
    layers = [agent.encoder.vision[0], agent.encoder.vision[2], agent.encoder.vision[4], agent.encoder.linear]
    told: list[Tensor] = []
    for layer in layers:
        layer.register_forward_hook(lambda _, __, given: told.append(given.clone().transpose(0, 1).flatten(1)))
    agent.calibrate(observation)
    told.clear()
    before = features(agent, observation)
    assert len(told) == len(layers)
    for given in told:
        torch.testing.assert_close(given.mean(dim=1), torch.zeros(len(given)), rtol=0, atol=1e-4)
        torch.testing.assert_close(given.std(dim=1, correction=0), torch.ones(len(given)), rtol=0, atol=1e-3)
    agent.calibrate(observation)
    torch.testing.assert_close(features(agent, observation), before, rtol=0, atol=1e-3)


@pytest.mark.parametrize("rows_seen", [1, B])
def test_calibration_of_chaplot_leaves_what_does_not_vary_as_large_as_it_was(
    rows_seen: int, observation: dict[str, Any]
) -> None:
    agent = ActorCritic(AgentConfig.chaplot(**CHAPLOT), SPEC)
    assert isinstance(agent.encoder, ChaplotEncoder)
    weight = agent.encoder.linear.weight.clone()
    seen = {key: np.repeat(array[:1], rows_seen, axis=0) for key, array in observation.items()}
    agent.calibrate(seen)
    torch.testing.assert_close(agent.encoder.linear.weight, weight)
    assert features(agent, observation).isfinite().all()


def test_attention_map_shows_where_something_is() -> None:
    """One bright patch on black: the cells over it stand out from those far from it."""
    agent = make_agent(cnn())
    image = torch.zeros(1, HEIGHT, WIDTH, 3, dtype=torch.uint8)
    black = attention_map(agent, {"image": image, "instruction": torch.ones(1, L, dtype=torch.int64)})
    image[:, 36:48, 4:16] = 255
    change = attention_map(agent, {"image": image, "instruction": torch.ones(1, L, dtype=torch.int64)}) - black
    change = change[0].abs()
    row, column = divmod(int(change.argmax()), change.shape[1])
    assert row >= 3
    assert column <= 2
    assert change[0, -1] == 0


def test_word_strength_is_how_far_the_gates_move_without_the_word() -> None:
    agent = make_agent(cnn(language="bow"))
    tokens = torch.tensor([[3, 4, 5, 0], [6, 6, 0, 0]])
    strength = word_strength(agent, tokens)
    assert strength.shape == tokens.shape
    assert (strength[tokens == 0] == 0).all()
    rest = gates(agent, torch.tensor([[3, 5]]))
    expected = (rest - gates(agent, tokens[:1])).square().mean().sqrt()
    torch.testing.assert_close(strength[0, 1], expected, rtol=1e-3, atol=1e-5)
    assert float(strength[1, 0]) == pytest.approx(0, abs=1e-6)  # of two equal words either is enough
    after_a_manual = word_strength(agent, tokens[:1], torch.tensor([[7, 8]]))
    assert after_a_manual.shape == (1, 4)
    expected = gates(agent, torch.tensor([[7, 8, 3, 5]])) - gates(agent, torch.tensor([[7, 8, 3, 4, 5]]))
    torch.testing.assert_close(after_a_manual[0, 1], expected.square().mean().sqrt(), rtol=1e-3, atol=1e-5)


def test_what_is_in_cells_is_looked_up_wherever_it_is() -> None:
    """Without the layer that knows places, a thing counts by what it is, and as much in any other cell."""
    agent = make_agent(cnn(readout_dim=8, lookups=4))
    encoder = agent.encoder
    assert isinstance(encoder, CNNEncoder)
    torch.nn.init.zeros_(encoder.spatial.weight)
    cells = torch.rand(1, encoder.grid[0] * encoder.grid[1], 2, 4, generator=torch.Generator().manual_seed(1))
    readouts = torch.rand(1, cells.shape[1], 8, generator=torch.Generator().manual_seed(2))
    found = encoder._looked_up(cells, readouts)
    order = torch.randperm(cells.shape[1], generator=torch.Generator().manual_seed(3))
    assert torch.allclose(found, encoder._looked_up(cells[:, order], readouts[:, order]), atol=1e-5)
    assert not torch.allclose(found, encoder._looked_up(cells[:, order], readouts), atol=1e-3)


def test_lookups_are_part_of_what_the_agent_sees(observation: dict[str, Any]) -> None:
    agent = make_agent(cnn(readout_dim=8, lookups=4))
    encoder = agent.encoder
    assert isinstance(encoder, CNNEncoder)
    torch.nn.init.zeros_(encoder.spatial.weight)
    other = {**observation, "image": observation["image"].copy()}
    other["image"][0] = 255 - other["image"][0]
    assert not torch.allclose(features(agent, observation)[0], features(agent, other)[0])
    with pytest.raises(ConfigurationError, match="lookups are 0 to readout_dim"):
        CNNConfig(readout_dim=4, lookups=5)
