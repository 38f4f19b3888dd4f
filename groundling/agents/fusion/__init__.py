"""Fusion: where an instruction meets the visual channels.

A fusion is given the attributes of cells and S instructions, and says what each instruction makes of its cells. It
looks at one cell at a time: of symbols, whose cells are few and come again and again, it is evaluated once for each
distinct pair of a cell and an instruction; of pixels, whose cells all differ, each instruction has its own image's.
"""

from __future__ import annotations

from groundling.agents.config import FusionKind
from groundling.agents.encoders.cells import NUM_ATTRIBUTES
from groundling.agents.fusion.base import Fusion, Instruction, Linear
from groundling.agents.fusion.readout import read_out_gated, read_out_shared
from groundling.agents.fusion.sentence import ConcatFusion, FiLMFusion, GatedFusion
from groundling.agents.fusion.words import AttributeGatedFusion, CrossAttentionFusion, softmax_over_words

__all__ = [
    "FUSIONS",
    "AttributeGatedFusion",
    "ConcatFusion",
    "CrossAttentionFusion",
    "FiLMFusion",
    "Fusion",
    "GatedFusion",
    "Instruction",
    "Linear",
    "make_fusion",
    "read_out_gated",
    "read_out_shared",
    "softmax_over_words",
]

FUSIONS: dict[FusionKind, type[Fusion]] = {
    "attribute_gated": AttributeGatedFusion,
    "gated": GatedFusion,
    "film": FiLMFusion,
    "concat": ConcatFusion,
    "cross_attention": CrossAttentionFusion,
}


def make_fusion(kind: FusionKind, cell_dim: int, instruction_dim: int, *, attributes: int = NUM_ATTRIBUTES) -> Fusion:
    """A fusion of this kind, of cells with so many attributes; its ``out_dim`` says how many channels it gives."""
    if kind == "attribute_gated":
        return AttributeGatedFusion(cell_dim, instruction_dim, attributes)
    return FUSIONS[kind](cell_dim, instruction_dim)
