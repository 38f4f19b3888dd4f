"""Monte-Carlo tree search with an agent's policy and value, in copies of the compiled worlds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray
from torch import Tensor

from groundling.agents.actor_critic import sample_actions
from groundling.agents.core import IMPOSSIBLE
from groundling.agents.planning.base import Planner
from groundling.agents.planning.kept import KeptTree, keep_below, put_back
from groundling.agents.planning.tree import Trees
from groundling.errors import ConfigurationError
from groundling.interfaces import Array, CopyableEnvs, Observation

VISITS: Final = 50
LEAST_PRIOR: Final = 1e-6  # of an action that is open, so that it is tried in the end
MOST_SIMULATIONS: Final = 100_000  # of a step: more take minutes, and their trees do not fit into memory
MOST_BYTES: Final = 256 * 2**20  # of copied worlds that are kept at once; more environments are searched in turns


@dataclass(frozen=True)
class TreeSearchConfig:
    """Monte-Carlo tree search.

    Attributes:
        simulations: of each step; each tries one action that was not tried before. 0 is the agent itself.
        exploration: c, the weight of the prior and of what was tried less.
        gamma: discount of the returns; that of the agent's training, since its value is compared with them.
        prior: "policy", the agent's probabilities, or "uniform".
        value: "agent", the agent's value of a new node, or "none", 0: only rewards count.
        choice: "improved", by the prior, raised where the search found more; or "visits", the most visited action
            (where actions are drawn: by their visits). At few simulations visits are less decided than the prior.
        tree: "kept", what was found below the action that was taken is searched on at the next step; or "new".
    """

    simulations: int = 64
    exploration: float = 1.25
    gamma: float = 0.99
    prior: str = "policy"
    value: str = "agent"
    choice: str = "improved"
    tree: str = "kept"

    def __post_init__(self) -> None:
        _require(
            0 <= self.simulations <= MOST_SIMULATIONS,
            f"simulations of a step are from 0 to {MOST_SIMULATIONS:,}, not {self.simulations:,}",
        )
        _require(self.exploration > 0, f"exploration must be greater than 0, got {self.exploration}")
        _require(0 <= self.gamma <= 1, f"gamma must be between 0 and 1, got {self.gamma}")
        _require(self.prior in ("policy", "uniform"), f"prior is policy or uniform, not {self.prior!r}")
        _require(self.choice in ("visits", "improved"), f"choice is improved or visits, not {self.choice!r}")
        _require(self.tree in ("new", "kept"), f"tree is new or kept, not {self.tree!r}")
        _require(self.value in ("agent", "none"), f"value is agent or none, not {self.value!r}")


def _require(is_so: bool, message: str) -> None:
    if not is_so:
        raise ConfigurationError(message)


class TreeSearch(Planner):
    """At every step, a tree of what actions lead to is grown in copies of the world, and its favorite action is taken.

    The copies are exact: walls that the agent has not seen yet, and the dice of worlds that have some, are those of the
    world itself. The agent still sees no more than before, in the copies as well, and its memory at a node is that of
    the way there. The action is the likeliest one of :meth:`_scores`; where actions are drawn (``greedy=False``), one
    of their distribution.

    The trees of all environments grow together: one simulation is one step of the kernels and one batch of the agent.
    Where an environment is in the state that its last action led to in its tree, that part of the tree is kept, as many
    nodes as there are simulations, and the simulations of this step are added to it.
    """

    Config: ClassVar[type[Any]] = TreeSearchConfig
    budget: ClassVar[str] = "simulations"
    config: TreeSearchConfig
    _twin: Any  # VectorEnv and CopyableEnvs

    def plan(
        self,
        observation: Observation,
        state: Tensor,
        is_first: Tensor | NDArray[np.bool_],
        envs: Sequence[int] | NDArray[np.int64],
        greedy: bool,
        generator: torch.Generator | None,
    ) -> tuple[NDArray[np.int64], Tensor]:
        """See :class:`Planner`."""
        first = torch.as_tensor(is_first, device=self.agent.device).unsqueeze(0)
        decision = self.agent(self.agent.prepare(observation), state, first)
        logits, memory = decision.logits[0], decision.state
        if self.config.simulations == 0:
            chosen = logits.argmax(dim=-1) if greedy else sample_actions(logits, generator)
            return chosen.cpu().numpy(), memory
        rows, actions = np.asarray(envs), np.zeros(len(envs), dtype=np.int64)
        for row in rows[np.asarray(is_first, dtype=np.bool_)].tolist():
            self._kept.pop(row, None)
        value = decision.value[0].double().cpu().numpy() * (self.config.value == "agent")
        for part in np.array_split(np.arange(len(rows)), self._turns(rows)):
            trees, nodes = self._search(rows[part], logits[part], value[part], memory[part])
            scores = self._scores(trees)
            if greedy:
                actions[part] = scores.argmax(axis=1)
            else:
                actions[part] = sample_actions(torch.from_numpy(scores).float(), generator).numpy()
            for tree, row in enumerate(rows[part].tolist() if self._most_kept else []):
                kept = keep_below(trees, tree, int(actions[part][tree]), self._most_kept, nodes.worlds, nodes.memory)
                self._kept.pop(row, None)
                if kept is not None:
                    self._kept[row] = kept
        return actions, memory

    @property
    def relies_on_value(self) -> bool:
        """See :class:`Planner`."""
        return self.config.simulations > 0 and self.config.value == "agent"

    def _scores(self, trees: Trees) -> NDArray[np.float64]:
        """Logits [R, A] of the actions at the roots after a search.

        visits:   log N(a)
        improved: log P(a) + (50 + max_b N(b)) / 10 * Q(a),   Q of what was never tried: the mean at the root

        Source of the second: Danihelka et al. 2022, "Policy improvement by planning with Gumbel", equations 8 and 11.
        """
        visits, prior = trees.visits[:, 0], trees.prior[:, 0]
        with np.errstate(divide="ignore"):  # log 0: never drawn
            if self.config.choice == "visits":
                return np.log(visits)
            scale = (VISITS + visits.max(axis=1, keepdims=True)) / 10
            every = np.arange(len(visits))
            return np.log(prior) + scale * trees.means(every, np.zeros_like(every))

    def _turns(self, rows: NDArray[np.int64]) -> int:
        """In how many parts the environments are searched, so that their copies fit into memory."""
        assert self.envs is not None
        size = _size_of(self.envs)
        most = max(1, MOST_BYTES // (size * (self.config.simulations + self._most_kept + 1)))
        return -(-len(rows) // most)

    def bind(self, envs: VectorEnv) -> None:
        """See :class:`Planner`."""
        super().bind(envs)
        assert self.envs is not None
        self._twin = self.envs.twin()
        self._kept: dict[int, KeptTree] = {}  # of each environment, below its last action
        room = MOST_BYTES // (_size_of(self.envs) * self._twin.num_envs)
        self._most_kept = min(self.config.simulations, room) if self.config.tree == "kept" else 0

    def _search(
        self, rows: NDArray[np.int64], logits: Tensor, value: NDArray[np.float64], memory: Tensor
    ) -> tuple[Trees, _Nodes]:
        """The trees of environments [R], grown to the end."""
        assert self.envs is not None
        config, every = self.config, np.arange(len(rows))
        worlds = self.envs.copy_rows(rows)
        held = {tree: self._kept[row] for tree, row in enumerate(rows.tolist()) if row in self._kept}
        kept = {tree: own for tree, own in held.items() if own.is_of(worlds, memory, tree)}
        counts = np.array([len(kept[tree].value) if tree in kept else 1 for tree in every.tolist()])
        size = config.simulations + int(counts.max()) - 1
        trees = Trees(len(rows), size, logits.shape[1])
        nodes = _Nodes(worlds, memory, size)
        for tree, own in kept.items():
            put_back(trees, tree, own)
            nodes.put_back(tree, own)
        trees.prior[:, 0], trees.value[:, 0] = self._prior(logits), value
        for number in range(config.simulations):
            steps, at = trees.descend(config.exploration)
            actions = np.zeros(len(rows), dtype=np.int64)
            for who, _, taken in steps:
                actions[who] = taken  # the last one of each leads out of the tree
            grows = np.flatnonzero(~trees.ended[every, at])  # elsewhere a way ends where the episode does
            if len(grows):
                self._add(trees, nodes, (counts + number)[grows], rows, grows, at[grows], actions[grows])
            found = np.zeros(len(rows))
            found[grows] = trees.value[grows, (counts + number)[grows]]
            trees.back_up(steps, found, config.gamma)
        return trees, nodes

    def _add(
        self,
        trees: Trees,
        nodes: _Nodes,
        numbers: NDArray[np.int64],
        rows: NDArray[np.int64],
        grows: NDArray[np.int64],
        parents: NDArray[np.int64],
        actions: NDArray[np.int64],
    ) -> None:
        """Take actions [G] at nodes ``parents`` [G] of trees ``grows`` [G]: nodes ``numbers`` [G] of these trees."""
        places, twin = rows[grows], self._twin
        twin.paste_rows(places, nodes.worlds_at(parents, grows))
        taken = np.zeros(twin.num_envs, dtype=np.int64)
        taken[places] = actions
        observation, reward, terminated, truncated, _ = twin.step(taken)
        seen = {key: observation[key][places] for key in self.agent.observation_keys}
        none = torch.zeros(1, len(places), dtype=torch.bool)
        decision = self.agent(self.agent.prepare(seen), nodes.memory[parents, grows], none)
        nodes.keep(numbers, grows, twin.copy_rows(places), decision.state)
        ended = (terminated | truncated)[places]
        trees.child[grows, parents, actions] = numbers
        trees.prior[grows, numbers] = self._prior(decision.logits[0])
        trees.reward[grows, numbers] = reward[places]
        trees.ended[grows, numbers] = ended
        if self.config.value == "agent":
            trees.value[grows, numbers] = np.where(ended, 0.0, decision.value[0].cpu().numpy())

    def _prior(self, logits: Tensor) -> NDArray[np.float64]:
        """Probabilities [R, A] of the actions before anything was tried; 0 where a mask forbids one."""
        probabilities: NDArray[np.float64] = logits.softmax(dim=-1).double().cpu().numpy()
        if self.config.prior == "policy":
            return np.where(logits.cpu().numpy() > IMPOSSIBLE / 2, np.maximum(probabilities, LEAST_PRIOR), 0.0)
        is_open = logits.cpu().numpy() > IMPOSSIBLE / 2
        return is_open / is_open.sum(axis=1, keepdims=True)


def _size_of(envs: CopyableEnvs) -> int:
    """Bytes of the copy of one world."""
    return sum(array.nbytes for array in envs.copy_rows(np.zeros(1, dtype=np.int64)).values())


class _Nodes:
    """The worlds and the agent's memories at the nodes of R trees.

    Args:
        worlds: of the roots, arrays [R, ...] by name.
        memory: [R, M] of the agent, after it has seen the roots.
        size: how many nodes each may have beside its root, N.

    Attributes:
        worlds: [N + 1, R, ...] by name.
        memory: [N + 1, R, M].
    """

    def __init__(self, worlds: dict[str, Array], memory: Tensor, size: int) -> None:
        self.worlds = {name: np.empty((size + 1, *array.shape), dtype=array.dtype) for name, array in worlds.items()}
        self.memory = memory.new_empty((size + 1, *memory.shape))
        every = np.arange(len(memory))
        self.keep(np.zeros_like(every), every, worlds, memory)

    def keep(
        self, numbers: NDArray[np.int64], trees: NDArray[np.int64], worlds: dict[str, Array], memory: Tensor
    ) -> None:
        """Keep nodes ``numbers`` [G] of trees [G]: worlds [G, ...] and memories [G, M]."""
        for name, array in worlds.items():
            self.worlds[name][numbers, trees] = array
        self.memory[numbers, trees] = memory

    def put_back(self, tree: int, kept: KeptTree) -> None:
        """Begin a tree with nodes that were kept; its root is there."""
        count = len(kept.value)
        for name, array in kept.worlds.items():
            self.worlds[name][1:count, tree] = array[1:]
        self.memory[1:count, tree] = kept.memory[1:]

    def worlds_at(self, nodes: NDArray[np.int64], trees: NDArray[np.int64]) -> dict[str, Array]:
        """The worlds [G, ...] of one node of each of trees [G]."""
        return {name: array[nodes, trees] for name, array in self.worlds.items()}
