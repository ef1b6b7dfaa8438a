"""The same results in the same order wherever the work is done, and a word when it cannot be."""

import os
import sys

import pytest

from pipelines.errors import ServiceError
from pipelines.workers import Workers, map_in_order


def squares(item):
    return [item, item * item]


def dies(item):
    os._exit(1)


EXPECTED = [value for item in range(20) for value in (item, item * item)]


@pytest.mark.parametrize("count", [1, 2])
def test_results_come_in_the_items_order(count):
    assert list(map_in_order(squares, range(20), Workers(count=count))) == EXPECTED


def test_items_are_taken_as_workers_come_free():
    taken = []

    def items():
        for item in range(100):
            taken.append(item)
            yield item

    results = map_in_order(squares, items(), Workers(count=2))
    next(results)
    assert len(taken) <= 6, "a generator of a thousand pages must not be read ahead"
    results.close()


def test_a_worker_that_dies_is_told_in_a_sentence():
    with pytest.raises(ServiceError, match="One of 2 worker processes was killed"):
        list(map_in_order(dies, range(4), Workers(count=2)))


def test_ray_that_is_not_installed_is_told_with_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ServiceError, match=r"beitie\[ray\].*BEITIE_RAY"):
        list(map_in_order(squares, range(4), Workers(ray_address="auto")))


@pytest.mark.slow
def test_ray_gives_the_same_results(monkeypatch):
    pytest.importorskip("ray", reason="Ray is an extra: pip install 'beitie[ray]'")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    assert list(map_in_order(squares, range(20), Workers(ray_address="local"))) == EXPECTED


@pytest.mark.slow
def test_a_ray_cluster_that_is_not_there_is_told():
    pytest.importorskip("ray", reason="Ray is an extra: pip install 'beitie[ray]'")
    with pytest.raises(ServiceError, match="No Ray cluster answers"):
        list(map_in_order(squares, range(4), Workers(ray_address="auto")))
