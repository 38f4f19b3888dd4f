"""The processes that train one agent together (``torch.distributed``): what each is told of the others.

Each process, a "rank", has a part of the environments and of every minibatch; gradients, counts and metrics are
averaged over all, so that all take the same steps. Alone, nothing here costs or changes anything.
"""

from __future__ import annotations

import atexit
import contextlib
import io
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

import torch
import torch.distributed as dist
from torch import Tensor, nn

from groundling import job
from groundling.errors import ConfigurationError, GroundlingError, JobError, ToldElsewhereError

# a rank waits so long for the others: for one that evaluates, or builds a bank of episodes, as well
PATIENCE: Final = timedelta(hours=2)


class Ranks:
    """The processes of a job; by default this one alone.

    Args:
        rank: of this process.
        size: how many there are.
    """

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank = rank
        self.size = size

    @classmethod
    def current(cls) -> Ranks:
        """Those that this process has joined, see :func:`join_job`."""
        if dist.is_available() and dist.is_initialized():
            return cls(dist.get_rank(), dist.get_world_size())
        return ALONE

    @property
    def is_first(self) -> bool:
        """Whether this one logs, evaluates and saves."""
        return self.rank == 0

    def share(self, number: int, what: str) -> int:
        """The part of a whole number that is a rank's.

        Raises:
            ConfigurationError: if the ranks do not divide it.
        """
        if number < self.size:
            raise ConfigurationError(
                f"{self.size} processes share {number} {what}: each needs at least one, start at most {number}"
            )
        if number % self.size:
            raise ConfigurationError(
                f"{self.size} processes do not divide {number} {what}: take a multiple, such as "
                f"{number // self.size * self.size}"
            )
        return number // self.size

    def mean(self, array: Tensor) -> Tensor:
        """The mean over the ranks of an array of floating point, which has the same shape on all; no gradient."""
        return array if self.size == 1 else self.total(array) / self.size

    def total(self, array: Tensor) -> Tensor:
        """The sum over the ranks of an array, which has the same shape on all; no gradient."""
        if self.size == 1:
            return array
        summed = array.detach().clone()
        with _job_errors():
            dist.all_reduce(summed)
        return summed

    def moments(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation (of the sample, with n - 1) of the values [...] of all ranks, as many on each."""
        if self.size == 1:
            return values.mean(), values.std()
        exact = values.double()  # one message: a difference of sums of squares has digits enough then
        total, squares = self.total(torch.stack([exact.sum(), exact.square().sum()]))
        count = values.numel() * self.size
        variance = (squares - total.square() / count).clamp(min=0) / (count - 1)
        return (total / count).to(values.dtype), variance.sqrt().to(values.dtype)

    def gathered(self, value: Any) -> list[Any]:
        """What each rank says, by rank: plain values, arrays, and tensors on the CPU."""
        if self.size == 1:
            return [value]
        every: list[Any] = [None] * self.size
        with _job_errors():
            dist.all_gather_object(every, value)
        return every

    def states_at_first(self, state: Any) -> list[Any]:
        """The state of each rank, of plain values and tensors of any kind, for rank 0; empty for the others."""
        if self.size == 1:
            return [state]
        buffer = io.BytesIO()
        torch.save(state, buffer)  # Python's own pickle cannot read all kinds of tensors back
        every: list[Any] | None = [None] * self.size if self.is_first else None
        with _job_errors():
            dist.gather_object(buffer.getvalue(), every)
        return [torch.load(io.BytesIO(saved), map_location="cpu", weights_only=True) for saved in every or []]

    def of_first(self, value: Any) -> Any:
        """What rank 0 says."""
        if self.size == 1:
            return value
        told = [value]
        with _job_errors():
            dist.broadcast_object_list(told)
        return told[0]

    @torch.no_grad()
    def copy_first(self, tensors: Iterable[Tensor]) -> None:
        """Give tensors the values that they have on rank 0, in place."""
        if self.size == 1:
            return
        with _job_errors():
            for tensor in tensors:
                told = tensor.detach().clone()
                dist.broadcast(told, 0)
                tensor.copy_(told)  # which counts as a change of the tensor: modules that note its version see it

    @torch.no_grad()
    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Put the mean over the ranks in the place of each gradient, by one message.

        A parameter without a gradient counts as zeros; one that has none on any rank is left without.
        """
        if self.size == 1:
            return
        parts = list(parameters)
        kinds = {(part.device, part.dtype) for part in parts}
        for device, dtype in sorted(kinds, key=str):
            self._average([part for part in parts if (part.device, part.dtype) == (device, dtype)])

    def _average(self, parts: list[nn.Parameter]) -> None:
        first = parts[0]
        has_gradient = torch.tensor([part.grad is not None for part in parts], dtype=first.dtype).to(first.device)
        flat = [torch.zeros_like(part) if part.grad is None else part.grad for part in parts]
        bucket = self.mean(torch.cat([has_gradient, *(gradient.flatten() for gradient in flat)]))
        known, *means = bucket.split([len(parts), *(part.numel() for part in parts)])
        for part, mean, is_known in zip(parts, means, known.tolist(), strict=True):
            part.grad = mean.view_as(part) if is_known else None

    @contextmanager
    def together(self) -> Iterator[None]:
        """What one rank raises within ends all of them: rank 0 says it, the others raise what nobody needs to read.

        Nothing within may ask the other ranks after something that a single one can raise: they would wait for it.

        Raises:
            JobError: on rank 0, if another one raised something.
            ToldElsewhereError: on the others.
        """
        error: GroundlingError | None = None
        try:
            yield
        except GroundlingError as raised:
            if self.size == 1:
                raise
            error = raised
        if self.size == 1:
            return
        said = self.gathered(None if error is None else str(error))
        if error is not None and self.is_first:
            raise error
        wrong = {rank: text for rank, text in enumerate(said) if text is not None}
        if wrong:
            rank, text = next(iter(wrong.items()))
            told = f"process {rank} of {self.size}: {text}"
            raise JobError(told) if self.is_first else ToldElsewhereError(told)

    def check_same(self, facts: Mapping[str, Any]) -> None:
        """Refuse ranks of which one knows other facts than rank 0, by name; to be called :meth:`together`.

        Raises:
            ConfigurationError: on the rank that differs.
        """
        first = self.of_first(dict(facts))
        different = [name for name in dict.fromkeys([*first, *facts]) if first.get(name) != facts.get(name)]
        if different:
            name = different[0]
            raise ConfigurationError(
                f"it has another {', '.join(different)} than process 0 ({facts.get(name)}, not {first.get(name)}): "
                "start all processes of a job with the same command, version and files"
            )


ALONE: Final = Ranks()
_joined: list[str] = []  # jobs that this process was a part of, also when it has left them


def join_job(*, uses_cuda: bool = False) -> Ranks:
    """Join the processes that ``torchrun`` started beside this one; nothing where it did not.

    Args:
        uses_cuda: whether tensors on GPUs are averaged.

    Raises:
        JobError: if the others cannot be reached.
    """
    if job.size() == 1 or dist.is_initialized():
        return Ranks.current()
    from torch._C._distributed_c10d import PrefixStore  # which not every build of PyTorch has
    from torch.distributed.rendezvous import rendezvous

    _joined.append(job.name())
    atexit.register(leave_job)  # gloo's threads abort a process that ends while they run
    with _job_errors():
        store, rank, size = next(rendezvous("env://", timeout=PATIENCE))
        # torchrun keeps its store when it starts processes again: what the earlier ones wrote there must not be read
        store = PrefixStore(f"groundling/{job.restarts()}", store)
        backend = "cpu:gloo,cuda:nccl" if uses_cuda else "gloo"
        dist.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=PATIENCE)
    return Ranks.current()


def shared(error: GroundlingError) -> GroundlingError:
    """What this process is to say of an error that it met before it joined the others of its job, once all know."""
    if job.size() == 1 or _joined:
        return error
    try:
        with join_job().together():
            raise error
    except GroundlingError as raised:
        return raised
    finally:
        leave_job()


def leave_job() -> None:
    """Close the connections to the other processes."""
    if dist.is_available() and dist.is_initialized():
        with contextlib.suppress(RuntimeError):
            dist.destroy_process_group()


@contextmanager
def _job_errors() -> Iterator[None]:
    """Have what PyTorch raises where another process is gone say so."""
    try:
        yield
    except (RuntimeError, ConnectionError) as error:  # a DistBackendError is a RuntimeError
        reason = (str(error) or type(error).__name__).splitlines()[0].partition(". ")[0]
        raise JobError(
            f"another process of the job has ended or cannot be reached ({reason}): what ended it stands above or in "
            "its own log; the last checkpoint is unchanged"
        ) from error
