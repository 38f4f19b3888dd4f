"""A check of curricula: does every task get the episodes that it needs?"""

from __future__ import annotations

from groundling.eval.doctor.finding import Finding, Panel, State, not_applicable, reads_logs
from groundling.eval.doctor.record import RunRecord

STARVED = 0.02  # of the episodes, for a task that is not learned
LEARNED = 0.8
HOGGED = 0.6  # of the episodes, for a task that is learned while others are not


@reads_logs
def curriculum(run: RunRecord) -> Finding:
    """Do the shares of the tasks go where something is left to learn?

    Shares of the episodes that begin, beside the success of each task.
    """
    tasks = [name.partition("/")[2] for name in run.names("share/")]
    if len(tasks) < 2:
        return not_applicable("the run has one task")
    shares = {task: run.last(f"share/{task}") for task in tasks}
    success = {task: run.last(f"success/{task}") for task in tasks}
    open_tasks = [task for task in tasks if not success[task] >= LEARNED]
    starved = [task for task in open_tasks if shares[task] < STARVED]
    hogs = [task for task in tasks if task not in open_tasks and shares[task] > HOGGED and open_tasks]
    told = ", ".join(f"{task} {shares[task]:.0%} (success {success[task]:.2f})" for task in tasks)
    panels = (
        Panel("share of the episodes begun", {task: run.curve(f"share/{task}") for task in tasks}),
        Panel("success by task", {task: run.curve(f"success/{task}") for task in tasks}),
    )
    numbers = {f"share/{task}": share for task, share in shares.items()}
    if starved:
        return Finding(
            State.RED,
            f"{told}: {', '.join(starved)} is not learned and hardly played",
            "a larger floor of the curriculum's shares, or --curriculum.kind fixed",
            numbers,
            panels,
        )
    if hogs:
        return Finding(
            State.YELLOW,
            f"{told}: {', '.join(hogs)} is learned and takes most episodes",
            "a curriculum by learning progress, or leave the learned task out",
            numbers,
            panels,
        )
    return Finding(State.GREEN, told, "", numbers, panels)
