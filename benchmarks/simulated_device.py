"""A second device that is simulated on the CPU, so that a machine without a GPU can count what one would wait for.

Its tensors hold ordinary CPU tensors and say that they are elsewhere. What PyTorch is asked to do with them is done on
the CPU, with the same numbers, and watched: every copy between the host and the device, and everything for which the
host has to wait until the device has caught up. What a GPU would refuse (an operation on tensors of both sides,
``numpy()`` of a tensor that is not on the host) is refused here.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple
from unittest import mock

import torch
from simulated_cells import CELLS
from torch import _VF, Tensor
from torch.utils import backend_registration
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

NAME: Final = "simulated"
PACKAGE: Final = f"{Path(__file__).resolve().parents[1] / 'groundling'}/"

# Of these the host needs a number, or the size of the result, before it can go on.
WAITS: Final = frozenset(
    [
        *("_local_scalar_dense", "is_nonzero", "equal", "allclose", "item"),
        *("nonzero", "nonzero_static", "argwhere", "masked_select", "masked_scatter", "masked_scatter_"),
        *("_unique2", "unique_dim", "unique_consecutive", "unique_dim_consecutive", "_unique"),
        *("bincount", "repeat_interleave", "histc", "multinomial", "_pack_padded_sequence"),
    ]
)
MAY_MIX: Final = frozenset(["copy_", "_to_copy", "_pack_padded_sequence"])  # operations on tensors of both sides


class Event(NamedTuple):
    """One thing that was watched.

    Attributes:
        kind: "wait" for the device; "sent" or "sent, waiting" to the device; "fetched" from it.
        what: the operation.
        place: the file and the function of the package in which it happened, ``training/collector.py:_step``.
    """

    kind: str
    what: str
    place: str


class DeviceTensor(Tensor):
    """A tensor of the simulated device; ``held`` has its numbers, on the CPU."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> DeviceTensor:
        """Around a CPU tensor, whose memory it shares."""
        made: DeviceTensor = Tensor._make_wrapper_subclass(
            cls,
            held.shape,
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=torch.device(NAME, 0),
        )
        made.held = held
        return made

    def __repr__(self) -> str:  # type: ignore[override]
        return f"DeviceTensor({self.held!r})"

    def tolist(self) -> Any:
        """Fetched from the device, as of a GPU's tensors."""
        return self.cpu().tolist()

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # type: ignore[override]
        """Where no mode is active, as in threads: nothing is noted."""
        return run(func, args, kwargs or {}, None)


class HostGenerator(torch.Generator):
    """A generator of the CPU, whatever device it is asked for."""

    def __new__(cls, device: Any = "cpu") -> HostGenerator:
        """One of the CPU."""
        return super().__new__(cls)


class SimulatedDevice(TorchDispatchMode):
    """A context in which the device ``"simulated"`` exists, and what is done with it is noted.

    Attributes:
        events: what happened since :meth:`take`, in order.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.events: list[Event] = []
        self._stack = ExitStack()

    def __enter__(self) -> SimulatedDevice:
        register()
        before = torch.__future__.get_swap_module_params_on_conversion()
        torch.__future__.set_swap_module_params_on_conversion(True)  # how a module moves to wrapped tensors
        self._stack.callback(torch.__future__.set_swap_module_params_on_conversion, before)
        # gradients in the thread that asks for them: one of the device's own would be there when the process ends
        self._stack.enter_context(torch.autograd.set_multithreading_enabled(False))
        # no generator is of this device: one of the CPU draws, and so draws the same as there
        self._stack.enter_context(mock.patch.object(torch, "Generator", HostGenerator))
        for name in ("gru", "lstm"):  # they turn their result in place, which a wrapper does not notice
            self._stack.enter_context(mock.patch.object(_VF, name, _time_first(getattr(_VF, name)), create=True))
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)  # type: ignore[no-untyped-call]
        self._stack.close()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operation and note it."""
        return run(func, args, kwargs or {}, self._note)

    def _note(self, kind: str, what: str) -> None:
        self.events.append(Event(kind, what, place()))

    def take(self) -> list[Event]:
        """The events so far, which are then forgotten."""
        taken, self.events = self.events, []
        return taken

    @contextmanager
    def counted(self) -> Iterator[list[Event]]:
        """The events within; the list is filled at the end."""
        self.take()
        found: list[Event] = []
        yield found
        found.extend(self.take())


def waits(events: list[Event]) -> Counter[str]:
    """How often the host waited for the device, by "operation at place"."""
    return Counter(f"{event.what} at {event.place}" for event in events if event.kind != "sent")


def run(func: Any, args: Any, kwargs: dict[str, Any], note: Callable[[str, str], None] | None) -> Any:
    """Run an operation on the tensors that are held, and wrap what it gives."""
    name = func._schema.name.split("::")[-1] if hasattr(func, "_schema") else str(func)
    leaves, _ = tree_flatten((args, kwargs))
    tensors = [leaf for leaf in leaves if isinstance(leaf, Tensor)]
    is_ours = any(isinstance(tensor, DeviceTensor) for tensor in tensors)
    target = kwargs.get("device")
    asked = None if target is None else torch.device(target).type
    if not is_ours and asked != NAME:
        return func(*args, **kwargs)
    if note is not None:
        _watch(name, args, kwargs, tensors, asked, note)
    if name not in MAY_MIX:
        _refuse_mixed(name, tensors)
    wrappers = {id(tensor.held): tensor for tensor in tensors if isinstance(tensor, DeviceTensor)}
    given = dict(kwargs, device="cpu") if target is not None else kwargs
    held_args, held_kwargs = tree_map(_held, (args, given))
    made = CELLS.get(name, func)(*held_args, **held_kwargs)
    on_device = asked == NAME or (asked is None and is_ours)
    if name == "copy_":
        return args[0]
    if name == "_to_copy" and asked == "cpu":
        return made
    return tree_map(lambda part: _wrapped(part, wrappers) if on_device else part, made)


def _held(part: Any) -> Any:
    return part.held if isinstance(part, DeviceTensor) else part


def _wrapped(part: Any, known: dict[int, DeviceTensor]) -> Any:
    if not isinstance(part, Tensor) or isinstance(part, DeviceTensor):
        return part
    same = known.get(id(part))
    return DeviceTensor(part) if same is None else same


def _watch(
    name: str,
    args: Any,
    kwargs: dict[str, Any],
    tensors: list[Tensor],
    asked: str | None,
    note: Callable[[str, str], None],
) -> None:
    """Note what an operation would cost beside its arithmetic."""
    if name == "_to_copy":
        is_from_device = isinstance(args[0], DeviceTensor)
        if is_from_device and asked == "cpu":
            note("fetched", name)
        elif not is_from_device and asked == NAME:
            note("sent" if kwargs.get("non_blocking") else "sent, waiting", name)
    elif name == "copy_":
        to_device, from_device = (isinstance(tensor, DeviceTensor) for tensor in args[:2])
        if from_device and not to_device:
            note("fetched", name)
        elif to_device and not from_device:
            is_free = kwargs.get("non_blocking") or (len(args) > 2 and args[2]) or args[1].ndim == 0
            note("sent" if is_free else "sent, waiting", name)
    elif name in WAITS:
        note("wait", name)
    elif name in ("index", "index_put", "index_put_", "_index_put_impl_", "_unsafe_index"):
        indices = [index for index in args[1] if index is not None]
        if any(index.dtype in (torch.bool, torch.uint8) for index in indices):
            note("wait", f"{name} by a mask")
        for index in indices:
            if not isinstance(index, DeviceTensor):
                note("sent, waiting", f"{name} by a tensor of the host")


def _refuse_mixed(name: str, tensors: list[Tensor]) -> None:
    """As a GPU's operations do; single numbers of the host are read there."""
    others = [tensor for tensor in tensors if not isinstance(tensor, DeviceTensor) and tensor.ndim > 0]
    indexed = name in ("index", "index_put", "index_put_", "_index_put_impl_", "_unsafe_index")
    if others and not indexed:
        shapes = ", ".join(str(list(tensor.shape)) for tensor in others)
        raise RuntimeError(f"{name}: expected all tensors to be on one device, those of {shapes} are on the host")


def place() -> str:
    """Where in the package the operation was asked for; "backward" where a gradient asked."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename.startswith(PACKAGE) and not frame.f_code.co_name.startswith("<"):
            return f"{frame.f_code.co_filename.removeprefix(PACKAGE)}:{frame.f_code.co_name}"
        frame = frame.f_back
    return "elsewhere"


def _time_first(recurrent: Callable[..., Any]) -> Callable[..., Any]:
    """A recurrent layer's function that reads the batch first by turning what it is given and what it gives."""

    def read(given: Tensor, *others: Any) -> Any:
        *rest, batch_first = others
        if not batch_first or not isinstance(given, DeviceTensor):
            return recurrent(given, *others)
        output, *states = recurrent(given.transpose(0, 1), *rest, False)
        return output.transpose(0, 1), *states

    return read


class _Backend:
    """What PyTorch asks a module of a device, ``torch.simulated``."""

    def is_initialized(self) -> bool:
        return True

    def is_available(self) -> bool:
        return True

    def current_device(self) -> int:
        return 0

    def device_count(self) -> int:
        return 1

    def synchronize(self) -> None:
        """Nothing is ever outstanding; other libraries of the process ask for it once the device is known."""

    def _is_in_bad_fork(self) -> bool:
        return False

    def manual_seed_all(self, seed: int) -> None:
        pass

    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.bfloat16]


def register() -> None:
    """Make the device known to PyTorch, once in a process."""
    if not hasattr(torch, NAME):
        backend_registration._setup_privateuseone_for_python_backend(NAME, _Backend())
