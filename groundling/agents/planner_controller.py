"""PACMAN: a planner that chooses moves, a controller that repeats them, and answers from the last frames."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from groundling.agents.core import IMPOSSIBLE, Core, Decision
from groundling.agents.encoders.base import PreparedFields
from groundling.agents.frame_answers import FrameAnswers
from groundling.envs.engine.previous_action import PREVIOUS_ACTION_KEY
from groundling.errors import ConfigurationError
from groundling.interfaces import ACTION_MASK, Spec

ANSWER = "answer "  # what the names of answers begin with


class Sizes(NamedTuple):
    """Sizes of the parts: ``features`` are [image; frame; question of the planner; question of the answers]."""

    image: int
    frame: int
    action: int
    planner: int
    controller: int


class Runs(NamedTuple):
    """The memory of planner and controller over T steps.

    Attributes:
        held: [T, B, P], the planner's state at its last step before.
        proposed: [T, B, P], its state if it steps now.
        run: [T, B], how often the last action has been taken in a row, at most the longest run; 0 at first.
        state: [B, 2 P + 2] after the last step.
    """

    held: Tensor
    proposed: Tensor
    run: Tensor
    state: Tensor


class PlannerController(Core):
    """The hierarchical agent of Das et al. 2018 as one policy over moves and answers.

    In each step the controller, a small network of the image, the last action and the planner's state, first decides
    whether the last move is repeated. If it is not, the planner, a GRU, steps and chooses another move or stops. Where
    it stops, the answer is chosen from the last frames (``FrameAnswers``). So, with m the last move,

        p(m)        = p(repeat)
        p(move)     = p(return) p_planner(move | not m)              for other moves
        p(answer k) = p(return) p_planner(stop | not m) p_frames(answer k)

    After ``longest_run`` equal moves in a row the controller has to return, and the planner may choose the same one
    again: p(repeat) = 0, and nothing is excluded. The planner cannot choose what the controller has just refused to
    repeat. So the actions alone tell who chose each of them, the state needs no more than they, and the cross-entropy
    of a teacher's action is the sum of the authors' two losses on what they cut its path into: runs of equal moves, at
    most 5 long, are one step of the planner and steps of the controller (their ``flat_to_hierarchical_actions``).
    Where the observation has an action mask, each of the distributions is over what it allows.

    The likeliest action is that of the whole policy: an answer stands against the moves with its own probability, not
    with that of stopping, so where answers are uncertain an agent that acts greedily stops later than the authors' do.

    The authors train the answers apart, on frozen features; here all is trained by the loss of the algorithm. The value
    is ours, for actor-critic algorithms (they subtract a running mean).

    The state's columns are the planner's state held and proposed, the run's length, the last action, then the frames'.

    Args:
        spec: its observation has a ``previous_action``; answers are the actions whose name begins with "answer".
        sizes: of the parts.
        frames: K, frames that are looked back at.
        longest_run: moves in a row.
        dropout: share of the features that are left out in training.

    Raises:
        ConfigurationError: if there is no previous action, no answer or no move.

    Source: Das et al. 2018, arXiv:1711.11543, section 4, and the authors' github.com/facebookresearch/EmbodiedQA.
    """

    moves: Tensor  # [V] int64, actions that are no answers
    is_move: Tensor  # [A + 1] bool
    answers: Tensor  # [N] int64

    def __init__(self, spec: Spec, sizes: Sizes, *, frames: int, longest_run: int, dropout: float) -> None:
        super().__init__()
        if PREVIOUS_ACTION_KEY not in spec.observation:
            raise ConfigurationError(
                "vision 'pacman' has to know the action before: make the environments with previous_action=True"
            )
        answers = [number for number, name in enumerate(spec.actions) if name.startswith(ANSWER)]
        moves = [number for number in range(spec.num_actions) if number not in answers]
        if not answers or not moves:
            raise ConfigurationError(
                "vision 'pacman' moves and answers, and answers are actions called 'answer ...'; these are "
                f"{', '.join(spec.actions)}: choose another vision"
            )
        self.register_buffer("moves", torch.tensor(moves), persistent=False)
        self.register_buffer("answers", torch.tensor(answers), persistent=False)
        is_move = torch.zeros(spec.num_actions + 1, dtype=torch.bool)
        is_move[moves] = True
        self.register_buffer("is_move", is_move, persistent=False)
        self.sizes = sizes
        self.longest_run = longest_run
        self.num_actions = spec.num_actions
        self.mask_keys = spec.keys_of(ACTION_MASK)
        self.action = nn.Embedding(spec.num_actions + 1, sizes.action)  # the last one is none
        self.planner = nn.GRUCell(sizes.image + sizes.frame + sizes.action, sizes.planner)
        self.plan = nn.Linear(sizes.planner, len(moves) + 1)  # the last one is to stop
        self.controller = nn.Sequential(
            nn.Linear(sizes.image + sizes.action + sizes.planner, sizes.controller),
            nn.ReLU(),
            nn.Linear(sizes.controller, 2),  # repeat, return
        )
        self.frames = FrameAnswers(sizes.frame, len(answers), frames, dropout)
        self.out_dim = sizes.planner + sizes.frame
        self.value = nn.Linear(self.out_dim, 1)
        self.state_dim = 2 * sizes.planner + 2 + self.frames.state_dim
        nn.init.orthogonal_(self.value.weight, 0.01)
        nn.init.zeros_(self.value.bias)

    def forward(self, features: Tensor, prepared: PreparedFields, state: Tensor, is_first: Tensor) -> Decision:
        """See :class:`Core`."""
        shape, sizes = is_first.shape, self.sizes
        image, frame, question, asked = features.split([sizes.image, sizes.frame, sizes.frame, sizes.frame], dim=-1)
        previous = prepared.fields[PREVIOUS_ACTION_KEY].reshape(shape).long()
        previous = previous.masked_fill(is_first, self.num_actions)
        action = self.action(previous)
        parts = [2 * sizes.planner + 2, self.frames.state_dim]
        own, seen = state.split(parts, dim=1)
        runs = self._run(torch.cat([image, question, action], dim=-1), previous, own, is_first)
        answers, joint, seen = self.frames(frame, asked, seen, is_first)
        known = torch.cat([runs.proposed, joint], dim=-1)
        controls = self.controller(torch.cat([image, action, runs.held], dim=-1))
        mask = self._mask(prepared, shape)
        logits = self.compose(self.plan(runs.proposed), controls, answers, previous, runs.run, mask)
        return Decision(logits, self.value(known).squeeze(-1), torch.cat([runs.state, seen], dim=1), known)

    def _mask(self, prepared: PreparedFields, shape: tuple[int, ...]) -> Tensor:
        """Which actions are worth trying, [T, B, A] bool."""
        mask = torch.ones(*shape, self.num_actions, dtype=torch.bool, device=self.moves.device)
        for key in self.mask_keys:
            mask = mask & (prepared.fields[key].reshape(mask.shape) != 0)
        return mask

    def _run(self, inputs: Tensor, previous: Tensor, state: Tensor, is_first: Tensor) -> Runs:
        """Go through T steps: the planner's step is kept where it turns out that the planner chose the action.

        Args:
            inputs: [T, B, F] of the planner.
            previous: [T, B] int64, actions before the observations; A at first.
            state: [B, 2 P + 2] before the first step.
            is_first: [T, B] bool.
        """
        size = self.sizes.planner
        held, proposed, (run, last) = state[:, :size], state[:, size : 2 * size], state[:, 2 * size :].unbind(1)
        held_of, proposed_of, runs = [], [], []
        for step, first in enumerate(is_first):
            taken = previous[step].to(last.dtype)
            is_repeated = (taken == last) & self.is_move[previous[step]] & (run < self.longest_run) & ~first
            held = torch.where(is_repeated.unsqueeze(1), held, proposed).masked_fill(first.unsqueeze(1), 0.0)
            run = torch.where(is_repeated, run + 1, 1.0).masked_fill(first, 0.0)
            proposed, last = self.planner(inputs[step], held), taken
            held_of.append(held)
            proposed_of.append(proposed)
            runs.append(run)
        after = torch.cat([held, proposed, run.unsqueeze(1), last.unsqueeze(1)], dim=1)
        return Runs(torch.stack(held_of), torch.stack(proposed_of), torch.stack(runs), after)

    def compose(
        self, plans: Tensor, controls: Tensor, answers: Tensor, previous: Tensor, run: Tensor, mask: Tensor
    ) -> Tensor:
        """Log-probabilities [..., A] of the actions, see the class; those that the mask leaves out are impossible.

        Args:
            plans: [..., V + 1] the planner's logits of moves and stop.
            controls: [..., 2] the controller's logits of repeat and return.
            answers: [..., N] logits.
            previous: [...] int64, the last action; A at first.
            run: [...] how often it has been taken in a row.
            mask: [..., A] bool.
        """
        may_move, may_answer = mask[..., self.moves], mask[..., self.answers]
        is_open = (run > 0) & (run < self.longest_run)  # the controller has a choice
        is_repeat = (self.moves == previous.unsqueeze(-1)) & may_move & is_open.unsqueeze(-1)
        may_plan = torch.cat([may_move & ~is_repeat, may_answer.any(dim=-1, keepdim=True)], dim=-1)
        can_choose = torch.stack([is_repeat.any(dim=-1), may_plan.any(dim=-1)], dim=-1)
        repeat, give_back = log_softmax(controls, can_choose).unbind(-1)
        planned = log_softmax(plans, may_plan) + give_back.unsqueeze(-1)
        moves = torch.where(is_repeat, repeat.unsqueeze(-1), planned[..., :-1])
        answered = planned[..., -1:] + log_softmax(answers, may_answer)
        logits = torch.empty(mask.shape, dtype=plans.dtype, device=plans.device)
        logits = logits.index_copy(-1, self.moves, moves).index_copy(-1, self.answers, answered)
        return logits.masked_fill(~mask, IMPOSSIBLE)


def log_softmax(logits: Tensor, mask: Tensor) -> Tensor:
    """Log-probabilities [..., N] over those that a mask [..., N] bool allows; others are very low, not infinite."""
    return logits.masked_fill(~mask, IMPOSSIBLE).log_softmax(dim=-1)
