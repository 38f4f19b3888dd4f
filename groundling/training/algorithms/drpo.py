"""Domain-aware relative policy optimization: groups of scarce and hard tasks or instructions count more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

import torch
from torch import Tensor

from groundling.training.algorithms.base import Run
from groundling.training.algorithms.grpo import EPSILON, GRPO, GRPOConfig
from groundling.training.checks import require, require_each
from groundling.training.episodes import Episodes

Domains = Literal["tasks", "instructions"]
ROUNDS = 20  # of k-means, which has settled long before


@dataclass(frozen=True)
class DRPOConfig(GRPOConfig):
    """Domain-aware relative policy optimization: the settings of GRPO, and those of the scales.

    Attributes:
        domains: what a domain is: a task of a run of several (--tasks), or an instruction.
        clusters: of the groups of a domain, by how well they went: hard ones, easy ones.
        window: how many of the latest groups, of all domains together, frequency and success are counted over.
        least_success: mean return below which a domain or cluster counts as no harder still.
    """

    domains: Domains = "tasks"
    clusters: int = 3
    window: int = 2000
    least_success: float = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        known = get_args(Domains)
        require(self.domains in known, f"domains are {' or '.join(known)}, not {self.domains!r}")
        require_each(self, "clusters", "window", least=1)
        require_each(self, "least_success", above=0)


class DRPO(GRPO):
    """GRPO with advantages that are scaled down where groups are many or easy, within and across domains.

    A'_i = A_i / (T_d T_c),   T_d = sqrt(N_d) mu_d,   T_c = sqrt(N_c) mu_c

    then divided by the standard deviation of all A'. Of the latest groups, N_d are of the domain d and N_c of the
    cluster c within it; mu_c is the mean return of a cluster, and mu_d that of a domain, its clusters counted by the
    inverse of their sizes. Both are at least ``least_success``.

    Differences from the source: it clusters the vectors of the G returns of a group by k-means with as many clusters as
    an elbow says; here the mean returns of groups are clustered, always into ``clusters``. It counts since the
    beginning, here a window is counted, as both change while the agent learns.

    Source: Dai et al. 2025 (QoQ-Med), arXiv:2506.00711, section 3; the order of the steps as in its published code.
    """

    Config: ClassVar[type[Any]] = DRPOConfig
    section = "drpo"
    title: ClassVar[str] = "DRPO"

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self.domain = torch.zeros(0, dtype=torch.int64)  # [W] of the latest groups
        self.success = torch.zeros(0)  # [W] their mean returns

    def outcomes(self, episodes: Episodes) -> Tensor:
        """A' of each roll-out, [N] float32; the groups are noted first."""
        config, count = self.settings, len(episodes) // self.group_size
        column = episodes.columns["task" if config.domains == "tasks" else "sentence"]
        length = episodes.length
        of_episode = column[length.cumsum(0) - length]
        returns = episodes.returns(config.gamma)
        domain = torch.zeros(count, dtype=torch.int64, device=returns.device)
        domain[episodes.group] = of_episode
        mean = torch.zeros(count, device=returns.device).index_add_(0, episodes.group, returns) / self.group_size
        # clusters are few, and their numbers differ: they are found on the host
        domain, mean = domain.cpu(), mean.cpu()
        latest = self.ranks.gathered((domain, mean)) if self.ranks.size > 1 else [(domain, mean)]
        for new_domain, new_mean in latest:  # the groups of all processes, in the same order on each
            self.domain = torch.cat([self.domain, new_domain])[-config.window :]
            self.success = torch.cat([self.success, new_mean])[-config.window :]
        scale = domain_scales(domain, mean, self.domain, self.success, config.clusters, config.least_success)
        scaled = super().outcomes(episodes) / scale.to(returns.device)[episodes.group]
        return scaled / (self._spread(scaled) + EPSILON)

    def _spread(self, scaled: Tensor) -> Tensor:
        """The standard deviation [] of the scaled advantages [N] of all processes."""
        if self.ranks.size == 1:
            return scaled.std()
        total, count = self.ranks.total(torch.stack([scaled.sum(), scaled.new_tensor(float(len(scaled)))]))
        squares = self.ranks.total((scaled - total / count).square().sum())
        return (squares / (count - 1)).sqrt()

    def state_dict(self) -> dict[str, Any]:
        """See :class:`Algorithm`."""
        return {**super().state_dict(), "domain": self.domain.clone(), "success": self.success.clone()}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """See :class:`Algorithm`."""
        super().load_state_dict(saved)
        self.domain, self.success = saved["domain"], saved["success"]


def domain_scales(
    domain: Tensor, success: Tensor, known_domain: Tensor, known_success: Tensor, clusters: int, least: float
) -> Tensor:
    """T_d T_c of groups; see :class:`DRPO`.

    Args:
        domain: [M] int64 of the groups that are asked about.
        success: [M] their mean returns.
        known_domain: [W] of the latest groups.
        known_success: [W].
        clusters: of each domain, at most.
        least: of mu.

    Returns:
        [M] float32, above 0.
    """
    scales = torch.ones_like(success)
    for number in domain.unique().tolist():
        own = known_success[known_domain == number]
        centers = cluster_centers(own, clusters)
        sizes = torch.bincount(nearest(own, centers), minlength=len(centers)).clamp(min=1).to(own.dtype)
        mean = (centers / sizes).sum() / (1 / sizes).sum()
        rows = domain == number
        place = nearest(success[rows], centers)
        of_domain = len(own) ** 0.5 * mean.clamp(min=least)
        scales[rows] = of_domain * sizes[place].sqrt() * centers[place].clamp(min=least)
    return scales


def cluster_centers(values: Tensor, count: int) -> Tensor:
    """The centers [K] of at most so many clusters of numbers [W], by k-means from their quantiles on; K >= 1."""
    shares = (torch.arange(count, device=values.device, dtype=values.dtype) + 0.5) / count
    centers = values.quantile(shares).unique()
    for _ in range(ROUNDS):
        place = nearest(values, centers)
        sizes = torch.bincount(place, minlength=len(centers))
        sums = torch.zeros_like(centers).index_add_(0, place, values)
        centers = (sums / sizes.clamp(min=1))[sizes > 0]
    return centers


def nearest(values: Tensor, centers: Tensor) -> Tensor:
    """The number [W] of the center [K] that is nearest to each value [W]."""
    return (values.unsqueeze(1) - centers).abs().argmin(dim=1)
