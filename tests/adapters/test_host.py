# SPDX-License-Identifier: MIT
"""Owns the tests of what is read from /proc and /sys, on a tree of our own."""

import os
import subprocess
from pathlib import Path

import pytest

from camwatchd.adapters.host import Host

_GROUP = "system.slice/camwatchd.service"


def put(root: Path, **files: str) -> Host:
    """A machine with these files; `__` stands for a slash."""
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Host(root)


def in_unit(root: Path, pids: str, group: str = _GROUP) -> Host:
    """A machine on which we run in this control group together with these processes."""
    procs = root / "sys/fs/cgroup" / group / "cgroup.procs"
    procs.parent.mkdir(parents=True, exist_ok=True)
    procs.write_text(pids)
    return put(root, proc__self__cgroup=f"0::/{group}\n")


def found_left_over(root: Path, pid: int) -> list[int]:
    """Whom a start finds that has this living process in its control group, and a worker with pid 1."""
    host = in_unit(root, f"{pid}\n1\n")
    put(root, proc__1__comm="python3\n", **{f"proc__{pid}__comm": Path(f"/proc/{pid}/comm").read_text()})
    found = host.leftovers(frozenset())
    assert 1 in found
    return [other for other in found if other != 1]


def task(root: Path, number: int, state: str, name: str = "python3", wchan: str = "0") -> None:
    """A task of process 77, as proc(5) shows it."""
    stat = f"{number} ({name}) {state} 1 77 77 0 -1 4194304 0 0"
    folder = f"proc__77__task__{number}__"
    put(root, **{f"{folder}stat": stat, f"{folder}wchan": wchan})


def test_memory_is_read_in_bytes(tmp_path: Path) -> None:
    """MemTotal is given in kibibytes by the kernel and in bytes by us."""
    host = put(tmp_path, proc__meminfo="MemTotal:         437216 kB\nMemFree: 1 kB\n")

    assert 437216 * 1024 == host.memory_total()


@pytest.mark.parametrize("text", ["", "MemFree: 1 kB\n"])
def test_unreadable_memory_is_none(tmp_path: Path, text: str) -> None:
    """Without MemTotal there is no memory to give away: no standby."""
    assert 0 == put(tmp_path, proc__meminfo=text).memory_total()
    assert 0 == Host(tmp_path / "nothing").memory_total()


def test_the_real_machine_can_be_read() -> None:
    """The formats are those of the running kernel."""
    assert Host().memory_total() > 1 << 20


def test_leftovers_are_the_others_in_our_group(tmp_path: Path) -> None:
    """Whoever is in our unit's control group and is not we is left over from a previous start."""
    assert [5, 40] == in_unit(tmp_path, "40\n7\n5\n").leftovers(frozenset({7}))


def test_outside_a_unit_nobody_is_left_over(tmp_path: Path) -> None:
    """In a login session the other processes have every right to be."""
    assert [] == in_unit(tmp_path, "40\n7\n", "user.slice/session-1.scope").leftovers(frozenset({7}))
    assert [] == Host(tmp_path / "nothing").leftovers(frozenset({7}))


def test_stuck_is_who_sleeps_uninterruptibly(tmp_path: Path) -> None:
    """Every task counts, not only the leader, and each names the kernel function it waits in."""
    task(tmp_path, 77, "Z")
    task(tmp_path, 78, "D", wchan="vb2_core_streamoff")
    task(tmp_path, 79, "S", wchan="futex_wait_queue")

    assert ["task 78 in vb2_core_streamoff"] == Host(tmp_path).stuck_tasks(77)


@pytest.mark.parametrize("wchan", ["0", ""])
def test_a_hidden_wait_channel_is_the_kernel(tmp_path: Path, wchan: str) -> None:
    """Without privileges wchan reads 0; the verdict stands without it."""
    task(tmp_path, 77, "D", wchan=wchan)

    assert ["task 77 in the kernel"] == Host(tmp_path).stuck_tasks(77)


@pytest.mark.parametrize("name", ["a) D (b", "D) S", "((( "])
def test_a_command_name_cannot_fool_the_state(tmp_path: Path, name: str) -> None:
    """The name may contain spaces and parentheses; the state comes after the last of them."""
    task(tmp_path, 77, "S", name)

    assert [] == Host(tmp_path).stuck_tasks(77)


def test_a_process_that_is_gone_is_not_stuck(tmp_path: Path) -> None:
    """Its files vanish while they are read."""
    assert [] == Host(tmp_path).stuck_tasks(77)


@pytest.mark.skipif(os.geteuid() != 0, reason="an immutable file, which stands for the sandbox, needs root")
def test_a_node_that_mode_allows_and_the_kernel_refuses_is_told_apart(tmp_path: Path) -> None:
    """What owner, group and mode allow and the kernel refuses all the same is the sandbox's doing."""
    (tmp_path / "dev").mkdir()
    for name, mode in (("media0", 0o600), ("video0", 0o600), ("video1", 0o000), ("null", 0o600)):
        (tmp_path / "dev" / name).touch(mode)
    refused = str(tmp_path / "dev/media0")
    host = Host(tmp_path)
    before = host.refused_by_sandbox()
    subprocess.run(["chattr", "+i", refused], check=True)
    try:
        found = host.refused_by_sandbox()
    finally:
        subprocess.run(["chattr", "-i", refused], check=True)

    assert before == []
    assert found == [refused]


def test_who_writes_to_a_dying_card_is_no_leftover_worker(tmp_path: Path) -> None:
    """The recorder, and the guard with its tools, may hang in our cgroup; only others may hold a camera. Nor is who
    reads the configuration there, or resets a device that does not answer."""
    in_unit(tmp_path, "11\n12\n13\n14\n15\n16\n")
    names = {11: "camwatchd-ledge", 12: "python3", 13: "guard", 14: "sync", 15: "camwatchd-confi"}
    names[16] = "camwatchd-reset"
    host = put(tmp_path, **{f"proc__{pid}__comm": f"{name}\n" for pid, name in names.items()})

    assert [12] == host.leftovers(frozenset())
