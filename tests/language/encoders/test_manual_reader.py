"""A manual that is read with the instruction: sentences count as far as they go with it, wherever they stand."""

from __future__ import annotations

import pytest
import torch

from groundling.agents.actor_critic import ActorCritic
from groundling.agents.config import AgentConfig
from groundling.agents.encoders.documents import DocumentEncoder
from groundling.envs import make_vec
from groundling.errors import ConfigurationError, ObservationError
from groundling.language import Vocabulary
from groundling.language.encoders import BagOfWords, ContextualBagOfWords, ManualReader

WORDS = Vocabulary.of(["go", "to", "the", "dax", "wug", "a", "is", "blue", "red", "ball", "key", "means"])
SPACE = (3, 7)


def tokens_of(instruction: str, *manual: str) -> torch.Tensor:
    lines = torch.zeros(SPACE, dtype=torch.long)
    for row, sentence in enumerate(manual):
        ids = torch.as_tensor(WORDS.encode(sentence))
        lines[row, : len(ids)] = ids
    return torch.cat([lines.flatten(), torch.as_tensor(WORDS.encode(instruction, length=5)).long()]).unsqueeze(0)


@pytest.fixture
def reader() -> ManualReader:
    torch.manual_seed(0)
    return ManualReader(BagOfWords(len(WORDS), 64, 16), SPACE)


def test_sentence_with_a_word_of_the_instruction_counts_most_before_anything_is_learned(reader) -> None:
    tokens = tokens_of("go to the dax", "wug is a red key", "dax is a blue ball")
    manual, instruction = reader._parts(tokens)
    weights = reader.weights(manual, instruction)[0]
    assert weights[1] > 0.9
    assert weights[2] == 0
    assert weights.sum().item() == pytest.approx(1)


def test_words_of_the_manual_are_those_of_the_sentences_by_their_weights(reader) -> None:
    tokens = tokens_of("go to the dax", "wug is a red key", "dax is a blue ball")
    manual, instruction = reader._parts(tokens)
    weights = reader.weights(manual, instruction)[0]
    expected = sum(
        weight * reader.inner.words(line.unsqueeze(0))[0] for weight, line in zip(weights, manual[0], strict=True)
    )
    words = reader.words(tokens)[0]
    torch.testing.assert_close(words[: SPACE[1]], expected)
    torch.testing.assert_close(words[SPACE[1] :], reader.inner.words(instruction)[0])
    assert reader.mask(tokens)[0].tolist() == [True] * 5 + [False] * 2 + [True] * 4 + [False]


def test_order_of_sentences_and_empty_lines_change_nothing(reader) -> None:
    one = tokens_of("go to the dax", "wug is a red key", "dax is a blue ball")
    other = tokens_of("go to the dax", "", "dax is a blue ball", "wug is a red key")
    torch.testing.assert_close(reader.words(one), reader.words(other))
    torch.testing.assert_close(reader(one), reader(other))


def test_without_a_manual_it_is_the_inner_encoder(reader) -> None:
    tokens = tokens_of("go to the red ball")
    torch.testing.assert_close(reader(tokens), reader.inner(tokens[:, 18:]))
    assert not reader.words(tokens)[0, :6].any()
    assert torch.isfinite(reader.words(tokens)).all()


def test_every_parameter_learns(reader) -> None:
    tokens = tokens_of("go to the dax", "wug is a red key", "dax is a blue ball")
    reader.words(tokens).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in reader.parameters())


# In an agent


@pytest.fixture(scope="module")
def envs():
    return make_vec("groundling/ReadBeacons-v0", 6, bank_size=12, cache=False, progress=False)


def features(agent: ActorCritic, observation) -> torch.Tensor:
    with torch.no_grad():
        return agent.features(agent.prepare(observation))


def test_default_agent_reads_the_manual_with_its_instruction(envs) -> None:
    agent = ActorCritic(spec=envs.agent_spec)
    assert set(agent.observation_keys) == {"image", "direction", "instruction", "manual"}
    assert isinstance(agent.encoder.language, ManualReader)
    assert not len(agent.others)
    observation, _ = envs.reset(seed=0)
    swapped = {**observation, "manual": observation["manual"][::-1].copy()}
    away = (features(agent, observation) - features(agent, swapped)).abs().amax(dim=1)
    assert (away > 1e-5).all()
    with agent.inference_cache():
        kept = features(agent, observation)
    torch.testing.assert_close(kept, features(agent, observation))


def test_agent_that_ignores_the_manual_does_not_read_it(envs) -> None:
    agent = ActorCritic(AgentConfig(ignores=("manual",)), envs.agent_spec)
    observation, _ = envs.reset(seed=0)
    assert "manual" not in agent.observation_keys
    swapped = {**observation, "manual": observation["manual"][::-1].copy()}
    torch.testing.assert_close(features(agent, observation), features(agent, swapped))


def test_manual_is_left_to_an_encoder_of_its_own_where_that_is_wished(envs) -> None:
    agent = ActorCritic(AgentConfig(reads_manual=False), envs.agent_spec)
    assert [type(other) for other in agent.others] == [DocumentEncoder]
    assert not isinstance(agent.encoder.language, ManualReader)


def test_agents_of_tasks_without_manuals_are_as_before() -> None:
    envs = make_vec("groundling/RoomGoTo-v0", 2, bank_size=4, cache=False, progress=False)
    agents = [ActorCritic(AgentConfig(reads_manual=reads), envs.agent_spec) for reads in (True, False)]
    assert agents[0].state_dict().keys() == agents[1].state_dict().keys()


def test_manual_of_another_shape_is_refused(envs) -> None:
    agent = ActorCritic(spec=envs.agent_spec)
    observation, _ = envs.reset(seed=0)
    with pytest.raises(ObservationError, match="manual must be"):
        agent.prepare({**observation, "manual": observation["manual"][:, :3]})
    with pytest.raises(ObservationError, match="has no manual"):
        agent.prepare({key: array for key, array in observation.items() if key != "manual"})


def test_pretrained_encoders_of_sentences_read_no_manual(envs) -> None:
    pytest.importorskip("transformers")
    with pytest.raises(ConfigurationError, match=r"its own"):
        ActorCritic(AgentConfig(language="sentence"), envs.agent_spec)


def test_reader_of_words_in_context_tells_apart_which_thing_has_a_color() -> None:
    torch.manual_seed(0)
    told = tokens_of("go to the red ball", "a red key means a blue ball", "a blue key means a red ball")
    for inner, is_clear in ((BagOfWords(len(WORDS), 64, 16), False), (ContextualBagOfWords(len(WORDS), 64, 16), True)):
        reader = ManualReader(inner, SPACE)
        weights = reader.weights(*reader._parts(told))[0]
        assert (weights[1].item() > 0.9) == is_clear
