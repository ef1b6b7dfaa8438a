"""Slices of batches, and several processes that share them."""

import os
import socket
import subprocess
import sys
import textwrap
import threading

import pytest
import torch

from training.slices import Slice, Team, ahead


@pytest.mark.parametrize(("whole", "parts"), [(8, 1), (8, 3), (2, 4), (192, 7)])
def test_parts_make_up_the_whole(whole, parts):
    sizes = [Slice(number=0, part=part, parts=parts).size(whole) for part in range(parts)]
    assert sum(sizes) == whole
    assert max(sizes) - min(sizes) <= 1


def test_every_slice_has_randomness_of_its_own():
    slices = [Slice(number=n, part=p, parts=q) for n, p, q in ((0, 0, 1), (1, 0, 1), (0, 0, 2))]
    drawn = [torch.rand(1, generator=one.torch_seeded(5)).item() for one in slices]
    assert len(set(drawn)) == 3
    again = [torch.rand(1, generator=one.torch_seeded(5)).item() for one in slices]
    assert drawn == again
    assert slices[0].numpy_seeded(5).random() != slices[0].numpy_seeded(6).random()


def test_preparing_ahead_changes_nothing_and_uses_another_thread():
    threads = set()

    def make(wanted):
        threads.add(threading.current_thread())
        return wanted

    prepared = ahead(make)
    asked = [Slice(number=n, part=p, parts=2) for n in range(5) for p in range(2)]
    assert [prepared(one) for one in asked] == asked
    assert threads - {threading.current_thread()}
    late = Slice(number=40)
    assert prepared(late) == late


def test_an_error_while_preparing_reaches_who_takes():
    def broken(wanted):
        if wanted.number == 1:
            raise ValueError("no ink left")
        return wanted

    prepared = ahead(broken)
    prepared(Slice(number=0))
    with pytest.raises(ValueError, match="no ink left"):
        prepared(Slice(number=1))


def test_one_process_has_all_slices():
    team = Team.gathered()
    assert (team.size, team.rank) == (1, 0)
    assert [one.part for one in team.slices(3, accumulated=2)] == [0, 1]
    assert not team.agree(False, torch.zeros(1))


PROGRAM = """
import sys, torch
from torch import nn
from training.loop import LoopParams, fit

torch.manual_seed(1)
model = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))

def step(part):
    x = torch.randn((part.size(8), 2), generator=part.torch_seeded(9))
    loss = (model(x).squeeze(1) - x[:, 0] * x[:, 1]).square().mean()
    return loss, {"error": float(loss.detach())}

accumulate = int(sys.argv[1])
fit(model, step, LoopParams(steps=10, warmup_steps=2, accumulate=accumulate))
weights = torch.cat([p.detach().flatten() for p in model.parameters()])
print("weights", " ".join(f"{value:.9f}" for value in weights.tolist()))
"""


@pytest.mark.slow
def test_two_processes_with_one_slice_are_one_with_two(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(PROGRAM))
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = str(found.getsockname()[1])
    shared = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.getcwd()}

    def start(accumulate, **more):
        return subprocess.Popen(
            [sys.executable, str(program), str(accumulate)],
            env={**shared, **more}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    alone = start(2)
    team = [
        start(1, WORLD_SIZE="2", RANK=str(rank), MASTER_ADDR="127.0.0.1", MASTER_PORT=port)
        for rank in range(2)
    ]
    ended = [(process.communicate(timeout=120), process.returncode) for process in (alone, *team)]
    assert [code for _, code in ended] == [0, 0, 0], ended
    said = [[float(word) for word in out.split("weights ")[1].split()] for (out, _), _ in ended]
    assert said[1] == said[2], "all processes end with the same weights"
    assert said[0] == pytest.approx(said[1], abs=1e-6)
