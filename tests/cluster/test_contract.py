"""The contract of executors for the one whose workers run on other machines; see tests/runs/test_executors.py."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from rnnlab.cluster.local import LocalCluster
from rnnlab.events import EpochFinished
from rnnlab.runs.cluster import ClusterExecutor
from rnnlab.runs.executor import Attached, Capacity, Ended, Lost
from rnnlab.runs.protocol import Stop
from tests.runs.lab import has_ended
from tests.runs.test_executors import (
    Host,
    Worker,
    check_a_job_that_finishes,
    check_a_worker_whose_socket_is_closed,
    train,
)


@pytest.fixture
def host(cluster: LocalCluster) -> Iterator[Host]:
    host = Host(partial(ClusterExecutor, address=cluster.address, tls=str(cluster.tls)))
    assert host.reports == [], "nothing is reported from the constructor"
    host.until(lambda: any(isinstance(report, Capacity) and report.slots == 2 for report in host.reports))
    yield host
    pids = host.executor.pids()
    count = len(host.reports)
    host.executor.close()
    assert len(host.reports) == count, "nothing is reported from close"
    assert all(has_ended(pid) for pid in pids), "a process was left"
    host.loop.close()


def test_a_job_that_finishes(host: Host, tmp_path: Path) -> None:
    check_a_job_that_finishes(host, tmp_path)


def test_a_job_is_killed_and_another_goes_on(host: Host, tmp_path: Path) -> None:
    jobs = [host.start(), host.start()]
    workers = [Worker(host, job) for job in jobs]
    for worker in workers:
        worker.send(train(tmp_path, long=True))
        worker.until(EpochFinished)
    for job in (jobs[0], jobs[0], "nothing"):
        host.executor.kill(job)
    assert host.end_of(jobs[0]) == Ended(jobs[0], -signal.SIGKILL)
    workers[1].events.clear()
    workers[1].until(EpochFinished)
    workers[1].send(Stop())
    assert host.end_of(jobs[1]) == Ended(jobs[1], 0)
    for job, worker in zip(jobs, workers, strict=True):
        host.check(job)
        worker.socket.close()


def test_a_job_that_waits_for_a_machine_is_killed(host: Host, tmp_path: Path) -> None:
    running = [Worker(host, host.start()), Worker(host, host.start())]
    for worker in running:
        worker.send(train(tmp_path, long=True))
        worker.until(EpochFinished)
    waiting = host.start()
    third = Worker(host, waiting)
    third.send(train(tmp_path))
    host.executor.kill(waiting)
    assert host.end_of(waiting) == Ended(waiting, -signal.SIGKILL)
    host.check(waiting)
    for worker in (*running, third):
        worker.socket.close()


def test_a_job_that_is_killed_before_its_order_ends_once(host: Host) -> None:
    job = host.start()
    host.executor.kill(job)
    assert host.end_of(job) == Ended(job, -signal.SIGKILL)
    host.settle()
    host.check(job)
    for report in host.of(job):
        if isinstance(report, Attached):
            report.socket.close()


def test_a_worker_ends_when_its_socket_is_closed(host: Host, tmp_path: Path) -> None:
    check_a_worker_whose_socket_is_closed(host, tmp_path)


def test_it_works_again_after_its_bridge_was_killed(host: Host, tmp_path: Path) -> None:
    job = host.start()
    worker = Worker(host, job)
    worker.send(train(tmp_path, long=True))
    worker.until(EpochFinished)
    (bridge,) = host.executor.pids()
    os.kill(bridge, signal.SIGKILL)
    assert isinstance(host.end_of(job), Lost)
    host.check(job)
    worker.socket.close()
    count = len(host.reports)
    host.until(lambda: any(isinstance(report, Capacity) and report.slots for report in host.reports[count:]))
    again = host.start()
    second = Worker(host, again)
    second.send(train(tmp_path))
    assert host.end_of(again) == Ended(again, 0)
    second.socket.close()
