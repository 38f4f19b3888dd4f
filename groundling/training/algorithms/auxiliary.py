"""The auxiliary losses that the settings of an algorithm ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from groundling.agents.actor_critic import ActorCritic
from groundling.training.algorithms.auxiliary_loss import AuxiliaryLoss
from groundling.training.algorithms.subgoal_loss import SubgoalLoss
from groundling.training.algorithms.symbol_loss import SymbolLoss
from groundling.training.checks import require

if TYPE_CHECKING:
    from groundling.training.config import TrainConfig

# By the setting of an algorithm that is its weight: the loss, the setting of agents with a head for it, and its labels.
AUXILIARY: Final[dict[str, tuple[type[AuxiliaryLoss], str, str]]] = {
    "subgoal_coef": (SubgoalLoss, "predicts_subgoal", "subgoals"),
    "symbol_coef": (SymbolLoss, "predicts_symbols", "symbols"),
}


def check_auxiliary(config: TrainConfig, settings: Any) -> None:
    """Refuse the weight of an auxiliary loss where the agent has no head for it.

    Raises:
        ConfigurationError: the message says which setting is missing.
    """
    for coefficient, (_, head, labels) in AUXILIARY.items():
        require(
            getattr(settings, coefficient) == 0 or getattr(config.agent, head),
            f"{coefficient} is the weight of a loss of agents that predict {labels}: set agent.{head} as well",
        )


def auxiliary_losses(agent: ActorCritic, settings: Any) -> list[AuxiliaryLoss]:
    """Those whose weights are above 0."""
    weights = {name: float(getattr(settings, name)) for name in AUXILIARY}
    return [AUXILIARY[name][0](agent, weight) for name, weight in weights.items() if weight > 0]
