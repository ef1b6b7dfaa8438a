"""Which part of which batch a computation is for, and the processes that share the work.

A batch is a function of its number: it is drawn from a seed of its own, so that a run that was
stopped goes on with exactly the batches that would have come, without drawing the others again.
A batch may be computed in slices, each drawn from a seed of its own too: one after the other where
memory is short (gradient accumulation), side by side in several processes, or both. Two
processes with one slice each compute what one process computes with two.

Holds: ``Slice``, :class:`Team`, the processes that train one model (``torchrun``), and the device
that each of them computes on.

Keeps out: the loop (``training.loop``), what is in a batch (``training.columns``, the families).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch import distributed as dist

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Slice:
    """Part ``part`` of ``parts`` of the batch with this number."""

    number: int
    part: int = 0
    parts: int = 1

    def size(self, whole: int) -> int:
        """How many of ``whole`` items are in this part; parts differ by one at most."""
        return (self.part + 1) * whole // self.parts - self.part * whole // self.parts

    def numpy_seeded(self, seed: int) -> np.random.Generator:
        """NumPy's randomness of this slice."""
        return np.random.default_rng((seed, self.number, self.part, self.parts))

    def torch_seeded(self, seed: int) -> torch.Generator:
        """Torch's randomness of this slice, on the CPU."""
        drawn = np.random.SeedSequence((seed, self.number, self.part, self.parts))
        return torch.Generator().manual_seed(int(drawn.generate_state(1, np.uint64)[0] >> 1))


def ahead(make: Callable[[Slice], T], count: int = 3) -> Callable[[Slice], T]:
    """The same function, with what will be asked for next prepared on a thread of its own.

    Drawing and damaging characters takes a third of a training step on one core; tensor
    operations release the interpreter, so that a second core can do it meanwhile. Slices that do
    not follow one another are made when they are asked for.
    """
    preparer = ThreadPoolExecutor(max_workers=1)
    waiting: dict[Slice, Future[T]] = {}

    def prepared(wanted: Slice) -> T:
        found = waiting.pop(wanted, None)
        for old in [one for one in waiting if one.number <= wanted.number]:
            if old.part == wanted.part:
                waiting.pop(old).cancel()
        for number in range(wanted.number + 1, wanted.number + 1 + count):
            following = replace(wanted, number=number)
            if following not in waiting:
                waiting[following] = preparer.submit(make, following)
        return make(wanted) if found is None else found.result()

    return prepared


@dataclass(frozen=True, kw_only=True)
class Team:
    """The processes that train one model: how many, and which of them this is."""

    size: int = 1
    rank: int = 0

    @classmethod
    def gathered(cls) -> Team:
        """What ``torchrun`` started; one process by itself if it was not used."""
        size = int(os.environ.get("WORLD_SIZE", "1"))
        if size == 1:
            return cls()
        if not dist.is_initialized():
            dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
        return cls(size=size, rank=dist.get_rank())

    @property
    def is_first(self) -> bool:
        """Whether this process writes logs and checkpoints."""
        return self.rank == 0

    def slices(self, number: int, accumulated: int) -> Iterator[Slice]:
        """What this process computes of a batch."""
        for part in range(self.rank * accumulated, (self.rank + 1) * accumulated):
            yield Slice(number=number, part=part, parts=self.size * accumulated)

    def average_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Replace each gradient by its mean over all processes, in one exchange."""
        if self.size == 1:
            return
        gradients = [p.grad if p.grad is not None else torch.zeros_like(p) for p in parameters]
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
        dist.all_reduce(flat)
        flat /= self.size
        start = 0
        for parameter in parameters:
            parameter.grad = flat[start : start + parameter.numel()].view_as(parameter)
            start += parameter.numel()

    def agree(self, is_enough: bool, like: Tensor) -> bool:
        """Whether any process has had enough: all must stop after the same step."""
        if self.size == 1:
            return is_enough
        said = torch.tensor(float(is_enough), device=like.device)
        dist.all_reduce(said, op=dist.ReduceOp.MAX)
        return bool(said.item())


def device_of_process() -> torch.device:
    """The GPU of this process, as ``torchrun`` counts them on each machine, or the CPU."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
