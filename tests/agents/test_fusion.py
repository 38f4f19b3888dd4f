"""Fusions against their equations written out, and what each can and cannot tell of words never heard together."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from groundling.agents.actor_critic import ActorCritic
from groundling.agents.config import AgentConfig, FusionKind
from groundling.agents.encoders.cells import NUM_ATTRIBUTES, pack_cells
from groundling.agents.fusion import (
    FUSIONS,
    AttributeGatedFusion,
    ConcatFusion,
    CrossAttentionFusion,
    FiLMFusion,
    Fusion,
    GatedFusion,
    Instruction,
    make_fusion,
)
from groundling.envs.engine.constants import BALL, BOX, COLOR_CODES
from groundling.language.encoders import word_mask
from groundling.language.goals import Color
from groundling.language.vocabulary import VOCABULARY

KINDS = tuple(FUSIONS)
V, F, D, S, L, E = 4, NUM_ATTRIBUTES, 8, 5, 6, 7


def random_fusion(kind: FusionKind, seed: int = 0) -> Fusion:
    """A fusion whose parameters are all random, those that begin at zero too."""
    torch.manual_seed(seed)
    fusion = make_fusion(kind, D, E)
    for parameter in fusion.parameters():
        nn.init.normal_(parameter)
    return fusion


def heard(fusion: Fusion) -> Instruction:
    """Random sentences of 1 to L words, or of one vector, as the fusion hears them."""
    torch.manual_seed(1)
    if not fusion.hears_words:
        return Instruction.of_sentences(torch.randn(S, E))
    tokens = (torch.arange(L) < torch.tensor([6, 3, 1, 5, 2]).unsqueeze(1)).long()
    return Instruction(torch.randn(S, L, E) * tokens.unsqueeze(2), word_mask(tokens))


@pytest.mark.parametrize("kind", KINDS)
def test_out_dim_is_what_a_fusion_gives(kind: FusionKind) -> None:
    fusion = random_fusion(kind)
    assert fusion(torch.randn(V, F, D), heard(fusion)).shape == (S, V, fusion.out_dim)


@pytest.mark.parametrize("kind", KINDS)
def test_every_pair_is_fused_on_its_own(kind: FusionKind) -> None:
    """A cell's channels under a sentence do not depend on the other cells and sentences."""
    fusion = random_fusion(kind)
    attributes, instruction = torch.randn(V, F, D), heard(fusion)
    fused = fusion(attributes, instruction)
    for s in range(S):
        for v in range(V):
            alone = fusion(attributes[[v]], Instruction(instruction.vectors[[s]], instruction.mask[[s]]))
            torch.testing.assert_close(fused[s, v], alone[0, 0])


@pytest.mark.parametrize("kind", KINDS)
def test_fused_channels_depend_on_cell_and_instruction(kind: FusionKind) -> None:
    fusion = random_fusion(kind)
    fused = fusion(torch.randn(V, F, D), heard(fusion))
    assert (fused[0] - fused[1]).abs().max() > 0.1
    assert (fused[:, 0] - fused[:, 1]).abs().max() > 0.1


@pytest.mark.parametrize("kind", KINDS)
def test_gradient_reaches_every_parameter_cells_and_words(kind: FusionKind) -> None:
    fusion = random_fusion(kind)
    attributes, instruction = torch.randn(V, F, D, requires_grad=True), heard(fusion)
    vectors = instruction.vectors.clone().requires_grad_()
    fusion(attributes, Instruction(vectors, instruction.mask)).pow(2).sum().backward()
    for tensor in (*fusion.parameters(), attributes, vectors):
        assert tensor.grad is not None
        assert tensor.grad.isfinite().all()
        assert tensor.grad.abs().max() > 1e-6


@pytest.mark.parametrize("own_cells", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_reading_out_is_the_layer_on_what_is_fused(kind: FusionKind, own_cells: bool) -> None:
    """The same numbers and the same gradients of cells, words and parameters, however a fusion comes to them."""
    fusion, told = random_fusion(kind), heard(random_fusion(kind))
    readout = nn.Linear(fusion.out_dim, 3)
    attributes = torch.randn(*((S,) if own_cells else ()), V, F, D, requires_grad=True)
    vectors = told.vectors.clone().requires_grad_()
    instruction = Instruction(vectors, told.mask)
    inputs = (attributes, vectors, *fusion.parameters(), *readout.parameters())
    expected = readout(fusion(attributes, instruction))
    given = fusion.read_out(attributes, instruction, readout)
    torch.testing.assert_close(given, expected, rtol=1e-4, atol=1e-5)
    weight = torch.randn(S, V, 3)
    gradients = torch.autograd.grad((given * weight).sum(), inputs)
    for got, wanted in zip(gradients, torch.autograd.grad((expected * weight).sum(), inputs), strict=True):
        torch.testing.assert_close(got, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", [kind for kind, fusion in FUSIONS.items() if fusion.hears_words])
def test_padding_is_not_heard(kind: FusionKind) -> None:
    fusion = random_fusion(kind)
    attributes, instruction = torch.randn(V, F, D), heard(fusion)
    noise = torch.where(instruction.mask.unsqueeze(2), instruction.vectors, 100 * torch.randn(S, L, E))
    torch.testing.assert_close(
        fusion(attributes, Instruction(noise, instruction.mask)), fusion(attributes, instruction)
    )


@pytest.mark.parametrize("kind", [kind for kind, fusion in FUSIONS.items() if fusion.has_gates])
def test_gates_lie_strictly_between_0_and_1(kind: FusionKind) -> None:
    fusion = make_fusion(kind, D, E)
    gates = fusion.gates(heard(fusion))
    assert len(gates) == S
    assert ((gates > 0) & (gates < 1)).all()
    assert gates.std() > 0.01


def test_gated_fusion_is_cells_times_the_sigmoid_of_the_instruction() -> None:
    fusion = GatedFusion(2, 1)
    with torch.no_grad():
        fusion.gate.weight.copy_(torch.tensor([[1.0], [-2.0]]))
        fusion.gate.bias.copy_(torch.tensor([0.0, 1.0]))
    cells = torch.tensor([[3.0, 5.0], [10.0, 20.0], [0.0, 1.0]])
    fused = fusion(as_attributes(cells), Instruction.of_sentences(torch.tensor([[0.0], [2.0]])))
    assert fused.shape == (2, 3, 2)
    # instruction 0: gate (sigmoid(0), sigmoid(1)); instruction 2: gate (sigmoid(2), sigmoid(-3))
    half, one, two, minus_three = (1 / (1 + math.exp(-x)) for x in (0.0, 1.0, 2.0, -3.0))
    expected = [
        [[3 * half, 5 * one], [10 * half, 20 * one], [0.0, one]],
        [[3 * two, 5 * minus_three], [10 * two, 20 * minus_three], [0.0, minus_three]],
    ]
    torch.testing.assert_close(fused, torch.tensor(expected))


def test_film_scales_and_shifts_every_channel() -> None:
    fusion = FiLMFusion(2, 1)
    with torch.no_grad():
        fusion.modulation.weight.copy_(torch.tensor([[1.0], [-2.0], [10.0], [0.0]]))
        fusion.modulation.bias.copy_(torch.tensor([0.0, 0.5, 0.0, 7.0]))
    fused = fusion(as_attributes(torch.tensor([[3.0, 5.0]])), Instruction.of_sentences(torch.tensor([[0.0], [2.0]])))
    # instruction 0: scales 1 + (0, 0.5), shifts (0, 7); instruction 2: scales 1 + (2, -3.5), shifts (20, 7)
    torch.testing.assert_close(fused, torch.tensor([[[3.0, 14.5]], [[29.0, -5.5]]]))


def test_concatenation_appends_the_instruction_to_every_cell() -> None:
    fusion = ConcatFusion(2, 3)
    cells, sentences = torch.randn(4, 2), torch.randn(5, 3)
    fused = fusion(as_attributes(cells), Instruction.of_sentences(sentences))
    assert fused.shape == (5, 4, 5)
    for s in range(5):
        for v in range(4):
            torch.testing.assert_close(fused[s, v], torch.cat([cells[v], sentences[s]]))


def test_cross_attention_adds_what_a_cell_hears_of_the_words_that_it_asks_for() -> None:
    """One channel, two words l = 1 and l = 2: a cell x = 3 weighs them e^3 : e^6 and hears ten times their mean."""
    fusion = CrossAttentionFusion(1, 1)
    with torch.no_grad():
        for layer, weight in ((fusion.query, 1.0), (fusion.key, 1.0), (fusion.heard, 10.0), (fusion.project, 1.0)):
            layer.weight.fill_(weight)
        for layer in (fusion.query, fusion.heard, fusion.project):
            layer.bias.zero_()
    words = Instruction(torch.tensor([[[1.0], [2.0]]]), torch.ones(1, 2, dtype=torch.bool))
    second = 1 / (1 + math.exp(-3))
    expected = 3 + 10 * (1 * (1 - second) + 2 * second)
    torch.testing.assert_close(fusion(as_attributes(torch.tensor([[3.0]])), words), torch.tensor([[[expected]]]))


def test_cross_attention_equals_the_scaled_dot_product_attention_of_pytorch() -> None:
    fusion = random_fusion("cross_attention")
    assert isinstance(fusion, CrossAttentionFusion)
    attributes, instruction = torch.randn(V, F, D), heard(fusion)
    cells = attributes.sum(dim=1)
    query, key, value = (
        layer(array).expand(S, -1, D).unflatten(2, (fusion.heads, -1)).transpose(1, 2)
        for layer, array in (
            (fusion.query, cells),
            (fusion.key, instruction.vectors),
            (fusion.heard, instruction.vectors),
        )
    )
    mask = instruction.mask[:, None, None, :]
    attended = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask).transpose(1, 2).flatten(2)
    torch.testing.assert_close(fusion(attributes, instruction), cells + fusion.project(attended), rtol=1e-4, atol=1e-5)


def test_attribute_gates_are_the_sigmoid_of_the_mean_word_that_each_attribute_listens_to() -> None:
    fusion = random_fusion("attribute_gated")
    assert isinstance(fusion, AttributeGatedFusion)
    instruction, attributes = heard(fusion), torch.randn(V, F, D)
    listening = fusion.listening(instruction)
    assert listening.shape == (S, L, F, fusion.heads)
    fused = fusion(attributes, instruction)
    weight, bias = fusion.gate.weight.view(F, D, E), fusion.gate.bias.view(F, D)
    for s in range(S):
        expected = torch.zeros(V, D)
        for f in range(F):
            for d in range(D):
                mean = listening[s, :, f, d * fusion.heads // D] @ instruction.vectors[s]
                expected[:, d] += attributes[:, f, d] * torch.sigmoid(weight[f, d] @ mean + bias[f, d])
        torch.testing.assert_close(fused[s], expected, rtol=1e-4, atol=1e-5)


def test_attributes_listen_to_words_alone_and_to_all_of_them_a_sum_of_1() -> None:
    fusion = random_fusion("attribute_gated")
    assert isinstance(fusion, AttributeGatedFusion)
    instruction = heard(fusion)
    listening = fusion.listening(instruction)
    torch.testing.assert_close(listening.sum(dim=1), torch.ones(S, F, fusion.heads))
    assert (listening[~instruction.mask] == 0).all()
    assert (listening[instruction.mask] > 0).all()
    first = listening[0, :, :, 0]
    assert not torch.allclose(first[:, 0], first[:, 1], atol=1e-3)  # type and color listen on their own
    assert not torch.allclose(listening[0, :, 0, 0], listening[0, :, 0, 1], atol=1e-3)  # and so do heads


def test_attributes_can_tell_the_first_noun_phrase_from_the_second() -> None:
    """Places are heard once they are learned; before that, the order of words makes no difference."""
    fusion = make_fusion("attribute_gated", D, E)
    vectors = torch.randn(1, 2, E)
    mask = torch.ones(1, 2, dtype=torch.bool)
    cells = torch.randn(V, F, D)
    there, back = (Instruction(words, mask) for words in (vectors, vectors.flip(1)))
    torch.testing.assert_close(fusion(cells, there), fusion(cells, back))
    assert isinstance(fusion, AttributeGatedFusion)
    nn.init.normal_(fusion.place.weight)
    assert not torch.allclose(fusion(cells, there), fusion(cells, back), atol=1e-2)


def agent_with(fusion: FusionKind) -> ActorCritic:
    """An agent with a random fusion; where attributes listen, the color to color words and the rest to nouns."""
    torch.manual_seed(0)
    agent = ActorCritic(AgentConfig(fusion=fusion, cell_dim=16, instruction_dim=32))
    if isinstance(agent.encoder.fusion, AttributeGatedFusion):
        listen = torch.zeros(F, agent.encoder.fusion.heads, 32)
        words = VOCABULARY.encode("red blue ball box")
        vectors = agent.encoder.language.words(torch.as_tensor(words).long().unsqueeze(0))[0].detach()
        # the direction along which the color words score 40 and the nouns -40
        direction = torch.linalg.lstsq(vectors, torch.tensor([40.0, 40.0, -40.0, -40.0]).unsqueeze(1)).solution.T
        listen[:] = -direction
        listen[1] = direction
        with torch.no_grad():
            agent.encoder.fusion.listen.weight.copy_(listen.flatten(0, 1))
    return agent


@torch.no_grad()
def what_is_only_known_of_the_pair(fusion: FusionKind) -> tuple[float, float]:
    """How far the channels of matching cells are from following from the words one by one, and how large they are.

    That of a red ball told "red ball" follows if it is that of "red box" plus that of "blue ball" less "blue box", each
    of the cell that the sentence names.
    """
    agent = agent_with(fusion)
    fused = {}
    for color in (Color.RED, Color.BLUE):
        for noun, kind in (("ball", BALL), ("box", BOX)):
            cell = pack_cells(torch.tensor([kind, COLOR_CODES[color], 0]))
            tokens = torch.as_tensor(VOCABULARY.encode(f"{color} {noun}")).long().unsqueeze(0)
            fused[color, noun] = agent.encoder.fusion(
                agent.encoder.vision(cell.long().unsqueeze(0)), agent.encoder.encode_text(tokens)
            )[0, 0]
    known: Tensor = fused[Color.RED, "box"] + fused[Color.BLUE, "ball"] - fused[Color.BLUE, "box"]
    return float((fused[Color.RED, "ball"] - known).abs().max()), float(known.abs().max())


def test_attribute_gates_know_a_pair_of_words_from_each_word_alone() -> None:
    surprise, size = what_is_only_known_of_the_pair("attribute_gated")
    assert size > 0.5
    assert surprise < 1e-4 * size


@pytest.mark.parametrize("fusion", ["gated", "film", "cross_attention"])
def test_other_fusions_can_know_a_pair_of_words_apart_from_each_word(fusion: FusionKind) -> None:
    """The negative control: without attributes that listen on their own, pairs have channels of their own."""
    surprise, size = what_is_only_known_of_the_pair(fusion)
    assert surprise > 1e-3 * size


def test_words_are_heard_by_fusions_that_ask_for_them() -> None:
    tokens = torch.tensor([[3, 4, 5, 0], [6, 0, 0, 0]])
    by_word, as_one = (agent_with(kind).encoder.encode_text(tokens) for kind in ("attribute_gated", "gated"))
    assert by_word.vectors.shape == (2, 4, 32)
    assert by_word.mask.tolist() == [[True, True, True, False], [True, False, False, False]]
    assert as_one.vectors.shape == (2, 1, 32)
    assert as_one.mask.all()


def as_attributes(cells: Tensor) -> Tensor:
    """Attributes [V, F, D] whose sum are these channels [V, D]."""
    parts = torch.randn(len(cells), NUM_ATTRIBUTES - 1, cells.shape[1])
    return torch.cat([parts, (cells - parts.sum(dim=1)).unsqueeze(1)], dim=1)
