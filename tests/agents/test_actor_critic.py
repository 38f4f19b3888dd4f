"""The agent: the pairwise evaluation against a naive one, rows that do not touch each other, checks, actions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from groundling.agents.actor_critic import ActorCritic, sample_actions
from groundling.agents.config import AgentConfig
from groundling.agents.encoders.cells import CELL_VALUES, pack_cells
from groundling.agents.explanation import attention, gates, has_gates
from groundling.envs import EpisodeBank, make_vec
from groundling.envs.banks.bank import CLAUSE_TOKENS
from groundling.envs.engine.constants import NUM_ACTIONS, VIEW_SIZE
from groundling.envs.engine.embodiment import GRID
from groundling.errors import ObservationError

B = 6
SMALL: dict[str, Any] = {
    "cell_dim": 6,
    "word_dim": 5,
    "instruction_dim": 7,
    "readout_dim": 3,
    "hidden_dim": 11,
    "memory_dim": 9,
}


@pytest.fixture(scope="module")
def observation() -> dict[str, Any]:
    """B observations after some steps, so that views, directions and sentences differ."""
    envs = make_vec(bank=EpisodeBank.of_seeds("BabyAI-GoToLocal-v0", range(B)), num_envs=B, shuffle=False)
    envs.reset()
    for actions in np.random.default_rng(0).integers(0, 3, (5, B)):
        seen, *_ = envs.step(actions)
    return seen


def make_agent(seed: int = 0, **changes: Any) -> ActorCritic:
    """A small agent of the grid whose parameters are all random, those that begin at zero too."""
    torch.manual_seed(seed)
    config = AgentConfig(**{**SMALL, **changes})
    agent = ActorCritic(config, GRID.changed(**config.senses).spec(CLAUSE_TOKENS))
    for parameter in agent.parameters():
        nn.init.normal_(parameter, std=0.5)
    nn.init.zeros_(agent.encoder.language.embedding.weight[0])  # padding
    return agent


def rows(observation: dict[str, Any], chosen: Any) -> dict[str, Any]:
    return {key: array[chosen] for key, array in observation.items()}


def naive_features(agent: ActorCritic, observation: dict[str, Any]) -> Tensor:
    """Cell by cell, sample by sample: vision, fusion, readout; then the layers over all cells."""
    features = []
    for row in range(len(observation["image"])):
        sentence = agent.encoder.encode_text(torch.as_tensor(observation["instruction"][row]).long().unsqueeze(0))
        read = []
        for x in range(VIEW_SIZE):
            for y in range(VIEW_SIZE):
                cell = torch.as_tensor(observation["image"][row, x, y])
                channels = agent.encoder.vision(pack_cells(cell).long().reshape(1))
                read.append(torch.relu(agent.encoder.readout(agent.encoder.fusion(channels, sentence)[0, 0])))
        hidden = agent.encoder.spatial(torch.cat(read)) + agent.encoder.compass(
            torch.as_tensor(observation["direction"][row])
        )
        features.append(torch.relu(agent.encoder.hidden(torch.relu(hidden))))
    return torch.stack(features)


@pytest.mark.parametrize("fusion", ["attribute_gated", "gated", "film", "concat", "cross_attention"])
@pytest.mark.parametrize("language", ["positional", "bow", "gru"])
def test_pairwise_evaluation_equals_cell_by_cell(fusion: str, language: str, observation: dict[str, Any]) -> None:
    agent = make_agent(fusion=fusion, language=language)
    features = agent.features(agent.prepare(observation))
    expected = naive_features(agent, observation)
    assert expected.abs().max() > 0.1
    torch.testing.assert_close(features, expected, rtol=1e-4, atol=1e-4)


def test_a_row_does_not_depend_on_the_other_rows(observation: dict[str, Any]) -> None:
    agent = make_agent()
    together = agent.features(agent.prepare(observation))
    for row in range(B):
        alone = agent.features(agent.prepare(rows(observation, [row])))
        torch.testing.assert_close(together[row], alone[0], rtol=1e-4, atol=1e-5)


def test_rows_of_percepts_are_the_percepts_of_rows(observation: dict[str, Any]) -> None:
    agent = make_agent()
    chosen = torch.tensor([4, 1, 1])
    some = agent.features(agent.prepare(observation).rows(chosen))
    own = agent.features(agent.prepare(rows(observation, chosen.numpy())))
    torch.testing.assert_close(some, own, rtol=1e-4, atol=1e-5)


def test_seeing_agent_depends_on_image_direction_and_instruction(observation: dict[str, Any]) -> None:
    agent = make_agent()
    before = agent.features(agent.prepare(observation))
    for key, other in other_observation(observation).items():
        after = agent.features(agent.prepare({**observation, key: other}))
        assert not torch.allclose(before, after, atol=1e-3), key


def test_blind_agent_ignores_the_image_and_hears_the_instruction(observation: dict[str, Any]) -> None:
    agent = make_agent(blind=True, cell_dim=32, readout_dim=16)
    other = other_observation(observation)
    before = agent.features(agent.prepare(observation))
    unseen = agent.features(agent.prepare({**observation, "image": other["image"]}))
    heard = agent.features(agent.prepare({**observation, "instruction": other["instruction"]}))
    assert torch.equal(before, unseen)
    assert not torch.allclose(before, heard, atol=1e-3)


def other_observation(observation: dict[str, Any]) -> dict[str, Any]:
    return {
        "image": observation["image"][::-1].copy(),
        "direction": (observation["direction"] + 1) % 4,
        "instruction": observation["instruction"][::-1].copy(),
    }


@pytest.mark.parametrize("memory", ["none", "gru", "lstm"])
@pytest.mark.parametrize("fusion", ["gated", "concat"])
def test_gradient_reaches_every_parameter(fusion: str, memory: str, observation: dict[str, Any]) -> None:
    agent = make_agent(fusion=fusion, memory=memory)
    steps = 2
    prepared = agent.prepare({key: np.concatenate([array] * steps) for key, array in observation.items()})
    decision = agent(prepared, agent.initial_state(B), torch.zeros(steps, B, dtype=torch.bool))
    (decision.logits.log_softmax(dim=-1)[..., 0].sum() + decision.value.sum()).backward()
    untouched = [name for name, p in agent.named_parameters() if p.grad is None or not p.grad.any()]
    assert untouched == []


@pytest.mark.parametrize("memory", ["none", "lstm"])
def test_decision_has_the_documented_shapes(memory: str, observation: dict[str, Any]) -> None:
    agent = make_agent(memory=memory)
    decision = agent(agent.prepare(observation), agent.initial_state(3), torch.zeros(2, 3, dtype=torch.bool))
    assert decision.logits.shape == (2, 3, NUM_ACTIONS)
    assert decision.value.shape == (2, 3)
    assert decision.state.shape == agent.initial_state(3).shape


def test_time_comes_before_environments(observation: dict[str, Any]) -> None:
    agent = make_agent()
    decision = agent(agent.prepare(observation), agent.initial_state(3), torch.zeros(2, 3, dtype=torch.bool))
    fourth = agent(agent.prepare(rows(observation, [4])), agent.initial_state(1), torch.zeros(1, 1, dtype=torch.bool))
    torch.testing.assert_close(decision.logits[1, 1], fourth.logits[0, 0], rtol=1e-4, atol=1e-5)


def act(agent: ActorCritic, observation: dict[str, Any], **options: Any) -> np.ndarray:
    actions, _ = agent.act(observation, agent.initial_state(B), np.ones(B, dtype=bool), **options)
    return actions


def test_greedy_action_is_the_likeliest(observation: dict[str, Any]) -> None:
    agent = make_agent()
    decision = agent(agent.prepare(observation), agent.initial_state(B), torch.ones(1, B, dtype=torch.bool))
    assert act(agent, observation, greedy=True).tolist() == decision.logits[0].argmax(dim=-1).tolist()


def test_same_generator_gives_the_same_actions_and_another_gives_others(observation: dict[str, Any]) -> None:
    agent = make_agent()
    nn.init.zeros_(agent.policy.weight)  # a flat policy, so that draws differ
    nn.init.zeros_(agent.policy.bias)
    draws = [
        [act(agent, observation, generator=generator).tolist() for _ in range(4)]
        for generator in (torch.Generator().manual_seed(seed) for seed in (7, 7, 8))
    ]
    assert draws[0] == draws[1]
    assert draws[0] != draws[2]
    assert draws[0][0] != draws[0][1]


def test_actions_are_integers_that_an_environment_takes(observation: dict[str, Any]) -> None:
    actions = act(make_agent(), observation)
    assert actions.dtype == np.int64
    assert actions.shape == (B,)
    assert ((actions >= 0) & (actions < NUM_ACTIONS)).all()


def test_memory_of_act_is_forgotten_where_an_episode_begins(observation: dict[str, Any]) -> None:
    agent = make_agent(memory="gru")
    remembered = torch.ones_like(agent.initial_state(B))
    is_first = np.arange(B) == 2
    _, state = agent.act(observation, remembered, is_first, greedy=True)
    _, fresh = agent.act(observation, agent.initial_state(B), np.zeros(B, dtype=bool), greedy=True)
    torch.testing.assert_close(state[2], fresh[2])
    assert not torch.allclose(state[3], fresh[3], atol=1e-3)


def test_sampled_actions_follow_the_softmax() -> None:
    logits = torch.tensor([0.0, 1.0, -1.0, 2.0])
    draws = sample_actions(logits.expand(40_000, 4), torch.Generator().manual_seed(0))
    frequencies = torch.bincount(draws, minlength=4) / len(draws)
    torch.testing.assert_close(frequencies, logits.softmax(dim=0), rtol=0, atol=0.01)


def test_impossible_actions_are_never_drawn() -> None:
    logits = torch.tensor([0.0, -torch.inf, 0.0])
    draws = sample_actions(logits.expand(5000, 3), torch.Generator().manual_seed(0))
    assert set(draws.tolist()) == {0, 2}


def broken(change: str, observation: dict[str, Any]) -> dict[str, Any]:
    image, instruction, direction = (observation[key].copy() for key in ("image", "instruction", "direction"))
    impossible, unknown, turned = image.copy(), instruction.copy(), direction.copy()
    impossible[0, 0, 0, 1] = 200
    unknown[0, 0] = 10_000
    turned[0] = 4
    return {
        "no instruction": {"image": image, "direction": direction},
        "unbatched image": {**observation, "image": image[0]},
        "wrong view": {**observation, "image": image[:, :5, :5]},
        "float image": {**observation, "image": image.astype(np.float32)},
        "integer image": {**observation, "image": image.astype(np.int64)},
        "float instruction": {**observation, "instruction": instruction.astype(np.float32)},
        "flat instruction": {**observation, "instruction": instruction[0]},
        "fewer instructions": {**observation, "instruction": instruction[:-1]},
        "fewer directions": {**observation, "direction": direction[:-1]},
        "unknown color": {**observation, "image": impossible},
        "unknown word": {**observation, "instruction": unknown},
        "negative word": {**observation, "instruction": instruction - 100},
        "fifth direction": {**observation, "direction": turned},
        "empty batch": rows(observation, slice(0, 0)),
    }[change]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("no instruction", "has no instruction"),
        ("unbatched image", "batch dimension"),
        ("wrong view", "image must be"),
        ("float image", "uint8"),
        ("integer image", "uint8"),
        ("float instruction", "integer token ids"),
        ("flat instruction", "instruction must be"),
        ("fewer instructions", "instruction must be"),
        ("fewer directions", "direction must be"),
        ("unknown color", "color of 200"),
        ("unknown word", "token id of 10000"),
        ("negative word", "token id of -"),
        ("fifth direction", "direction of 4"),
        ("empty batch", "empty"),
    ],
)
def test_observation_of_another_kind_is_refused(change: str, message: str, observation: dict[str, Any]) -> None:
    with pytest.raises(ObservationError, match=message):
        make_agent().prepare(broken(change, observation))


def test_other_keys_of_an_observation_are_left_alone(observation: dict[str, Any]) -> None:
    agent = make_agent()
    more = agent.prepare({**observation, "depth": np.zeros(3)})
    assert torch.equal(agent.features(more), agent.features(agent.prepare(observation)))


@pytest.mark.parametrize(
    ("fusion", "count"), [("gated", SMALL["cell_dim"]), ("attribute_gated", 3 * SMALL["cell_dim"])]
)
def test_gate_and_attention_are_shown_by_sentence(fusion: str, count: int, observation: dict[str, Any]) -> None:
    agent = make_agent(fusion=fusion)
    tokens = torch.as_tensor(observation["instruction"])
    gate = gates(agent, tokens)
    assert has_gates(agent)
    assert gate.shape == (B, count)
    assert ((gate > 0) & (gate < 1)).all()
    assert attention(agent, tokens).shape == (B, CELL_VALUES)


@pytest.mark.parametrize("fusion", ["film", "concat", "cross_attention"])
def test_attention_is_shown_where_nothing_is_gated(fusion: str, observation: dict[str, Any]) -> None:
    agent = make_agent(fusion=fusion)
    assert not has_gates(agent)
    assert attention(agent, torch.as_tensor(observation["instruction"])).shape == (B, CELL_VALUES)


def test_rows_of_percepts_decide_as_the_whole_batch_does() -> None:
    torch.manual_seed(0)
    agent = ActorCritic(AgentConfig(cell_dim=8, hidden_dim=8))
    batch = 12
    observation = {
        "image": torch.randint(0, 3, (batch, 7, 7, 3), dtype=torch.uint8),
        "direction": torch.randint(0, 4, (batch,)),
        "instruction": torch.arange(1, batch + 1).repeat_interleave(4).reshape(batch, 4) % 12 + 2,
    }
    prepared = agent.prepare(observation)
    rows = torch.tensor([7, 2, 2, 11])
    chosen = prepared.rows(rows)
    assert len(chosen.parts[0].sentences.tokens) == 3
    torch.testing.assert_close(agent.features(chosen), agent.features(prepared)[rows])
