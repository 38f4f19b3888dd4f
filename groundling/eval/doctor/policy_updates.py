"""Checks of how far each update moves the policy: divergence, clipping, entropy; from the log alone."""

from __future__ import annotations

import math

from groundling.eval.doctor.finding import Finding, Panel, State, graded, not_applicable, reads_logs, worst
from groundling.eval.doctor.frozen_buffer import gradient_steps
from groundling.eval.doctor.record import RunRecord

KL_LIMITS = 0.03, 0.1  # targets of PPO's early stopping in the literature are .01 to .03
STILL_KL = 1e-7
CLIP_LIMITS = 0.3, 0.5
COLLAPSED = 0.02  # of the largest entropy
UNDECIDED = 0.95
GOOD = 0.9  # success at which a policy without entropy is what is wanted


@reads_logs
def kl(run: RunRecord) -> Finding:
    """How far does each update move the policy?

    The approximate KL divergence between the policy that acted and the one after the update. Source: Schulman 2020,
    "Approximating KL divergence".
    """
    frames, values = run.curve("approximate_kl")
    if not len(values):
        return not_applicable(f"{run.algorithm} logs no KL divergence")
    if values.max() < STILL_KL and gradient_steps(run.config.algorithm_settings, run.config.rollout_frames) <= 1:
        return not_applicable(f"{run.algorithm} takes one step on each rollout, before which nothing has moved")
    now, yellow, red = run.last("approximate_kl"), *KL_LIMITS
    panel = Panel("approximate KL of an update", {"KL": (frames, values)}, marks={"large": yellow})
    numbers = {"kl": now, "largest": float(values.max())}
    seen = f"median KL of the last quarter {now:.2g}, largest {values.max():.2g}"
    rate = run.last("learning_rate")
    is_annealed = math.isfinite(rate) and rate < 0.01 * run.first("learning_rate")
    if now < STILL_KL and not is_annealed and not run.last("success") >= GOOD:
        return Finding(
            State.RED,
            f"{seen}: the policy does not move",
            "look at gradients and learning rate, and whether advantages are all zero (no reward is ever found)",
            numbers,
            (panel,),
        )
    state = graded(now, yellow=yellow, red=red)
    advice = "a smaller learning rate, fewer epochs on each rollout, larger minibatches"
    return Finding(state, seen, "" if state is State.GREEN else advice, numbers, (panel,))


@reads_logs
def clip_fraction(run: RunRecord) -> Finding:
    """How often is the probability ratio clipped?

    Clipped frames teach nothing. Source: Schulman et al. 2017, arXiv:1707.06347.
    """
    frames, values = run.curve("clip_fraction")
    clips = math.isfinite(getattr(run.config.algorithm_settings, "clip", math.inf)) or values.any()
    if not len(values) or not clips:
        return not_applicable(f"{run.algorithm} clips no ratio")
    now, yellow, red = run.last("clip_fraction"), *CLIP_LIMITS
    state = graded(now, yellow=yellow, red=red)
    return Finding(
        state,
        f"{now:.1%} of the frames of the last quarter were clipped",
        "" if state is State.GREEN else "a smaller learning rate or fewer epochs on each rollout",
        {"clip_fraction": now},
        (Panel("clip fraction", {"clipped": (frames, values)}, marks={"often": yellow}),),
    )


@reads_logs
def entropy(run: RunRecord) -> Finding:
    """Does the policy explore first and decide later?

    Entropy relative to that of uniformly random actions, log A. It collapses where it is gone and episodes still fail,
    and does not decay where the policy is still near chance late in the run.
    """
    frames, values = run.curve("entropy")
    if not len(values):
        return not_applicable(f"{run.algorithm} logs no entropy")
    largest = math.log(max(2, _num_actions(run, float(values.max()))))
    now, success = run.last("entropy") / largest, run.last("success")
    numbers = {"entropy": now, "first": run.first("entropy") / largest, "success": success}
    panel = Panel("entropy of the policy / log A", {"entropy": (frames, values / largest)})
    fails = not success >= GOOD
    seen = f"entropy {now:.2f} of the largest (at first {numbers['first']:.2f}), success {success:.2f}"
    if now < COLLAPSED and fails:
        return Finding(
            State.RED if success < 0.5 else State.YELLOW,
            f"{seen}: the policy has collapsed before it was good",
            "a larger entropy_coef, a smaller learning rate, or begin from imitation (--init)",
            numbers,
            (panel,),
        )
    if now > UNDECIDED and fails and run.progress > 0.3:
        return Finding(
            worst(State.YELLOW, State.RED if run.progress > 0.6 else State.YELLOW),
            f"{seen} after {run.progress:.0%} of the frames: the policy is still near chance",
            "a smaller entropy_coef; is a reward found at all? an easier task first, or --algorithm dagger",
            numbers,
            (panel,),
        )
    return Finding(State.GREEN, seen, "", numbers, (panel,))


def _num_actions(run: RunRecord, most: float) -> int:
    """A, from the agent or, without a checkpoint, from the largest entropy that was logged."""
    return run.agent.num_actions if run.agent is not None else math.ceil(math.exp(most) - 1e-6)
