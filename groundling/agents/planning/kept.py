"""The part of a search's tree that stays true after a step: what is below the action that was taken."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from groundling.agents.planning.tree import NONE, Trees
from groundling.interfaces import Array

MEMORY_ERROR = 1e-4  # of an agent's memory that was computed in another batch


class KeptTree(NamedTuple):
    """K nodes of one environment, the first the one that the action led to; arrays as of ``Trees``."""

    prior: NDArray[np.float64]  # [K, A]
    child: NDArray[np.int64]  # [K, A]
    visits: NDArray[np.int64]  # [K, A]
    total: NDArray[np.float64]  # [K, A]
    value: NDArray[np.float64]  # [K]
    reward: NDArray[np.float64]  # [K]
    ended: NDArray[np.bool_]  # [K]
    worlds: dict[str, Array]  # [K, ...] by name
    memory: Tensor  # [K, M]

    def is_of(self, worlds: dict[str, Array], memory: Tensor, row: int) -> bool:
        """Whether row ``row`` of worlds [R, ...] and memories [R, M] is where its first node is."""
        is_same = all(np.array_equal(self.worlds[name][0], array[row]) for name, array in worlds.items())
        return is_same and bool(torch.allclose(self.memory[0], memory[row], atol=MEMORY_ERROR))


def keep_below(
    trees: Trees, tree: int, action: int, most: int, worlds: dict[str, Array], memory: Tensor
) -> KeptTree | None:
    """What a tree knows below an action at its root; None where that leads nowhere.

    Args:
        trees: where the tree is.
        tree: its number.
        action: that is taken.
        most: nodes that are kept, those that were added first; what is known of an action whose node is not kept
            stays with the action.
        worlds: [N + 1, B, ...] by name, of the nodes of all trees.
        memory: [N + 1, B, M] likewise.
    """
    first = int(trees.child[tree, 0, action])
    if first == NONE or trees.ended[tree, first] or most < 1:
        return None
    found, level = [np.array([first])], np.array([first])
    while len(level):
        level = trees.child[tree, level]
        level = level[level != NONE]
        found.append(level)
    nodes = np.sort(np.concatenate(found))[:most]  # a node was added after the one above it
    number = np.full(trees.value.shape[1] + 1, NONE, dtype=np.int64)  # NONE is the last one's place
    number[nodes] = np.arange(len(nodes))
    return KeptTree(
        trees.prior[tree, nodes],
        number[trees.child[tree, nodes]],
        trees.visits[tree, nodes],
        trees.total[tree, nodes],
        trees.value[tree, nodes],
        trees.reward[tree, nodes],
        trees.ended[tree, nodes],
        {name: array[nodes, tree] for name, array in worlds.items()},
        memory[torch.from_numpy(nodes), tree].clone(),
    )


def put_back(trees: Trees, tree: int, kept: KeptTree) -> None:
    """Begin a tree with nodes that were kept."""
    count = len(kept.value)
    for name in ("prior", "child", "visits", "total", "value", "reward", "ended"):
        getattr(trees, name)[tree, :count] = getattr(kept, name)
