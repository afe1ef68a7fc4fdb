# SPDX-License-Identifier: MIT
"""Which camera a [camera] table means, and when two of them mean the same."""

from typing import Any

import pytest

from camwatchd.core.settings import CameraSettings, Settings, contradictions

Keys = dict[str, Any]


def cameras(*tables: Keys) -> tuple[CameraSettings, ...]:
    """Cameras a, b ... with these keys."""
    return tuple(CameraSettings(name=name, **keys) for name, keys in zip("abc", tables, strict=False))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"index": 0}, {"index": 1}),
        ({}, {"index": 1}),
        ({"model": "imx708"}, {"model": "imx219"}),
        ({"model": "imx708", "index": 0}, {"model": "imx708", "index": 1}),
        ({"id": "/base/a"}, {"id": "/base/b"}),
        ({"backend": "simulated"}, {"backend": "simulated"}),
    ],
)
def test_cameras_that_differ_are_accepted(one: Keys, other: Keys) -> None:
    """A camera must fit id, model and index: two of the same model are told apart by their index."""
    assert [] == contradictions(Settings(cameras=cameras(one, other)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {}),
        ({}, {"index": 0}),
        ({"index": 2}, {"index": 2}),
        ({"model": "imx708"}, {"model": "imx708"}),
        ({"model": "imx708", "index": 1}, {"model": "imx708", "index": 1}),
        ({"id": "/base/a"}, {"id": "/base/a"}),
        ({"id": "/base/a"}, {"id": "/base/a", "index": 1}),
    ],
)
def test_the_same_camera_twice_is_refused(one: Keys, other: Keys) -> None:
    """Two tables that mean one camera are a contradiction that names both."""
    (problem,) = contradictions(Settings(cameras=cameras(one, other)))

    assert ("camera.b", "camera.a") == problem.keys


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({}, {}, True),
        ({}, {"index": 0}, True),
        ({}, {"index": 1}, False),
        ({"id": "/base/a"}, {"id": "/base/a", "model": "imx708"}, True),
        ({"id": "/base/a"}, {"id": "/base/b"}, False),
        ({"id": "/base/a"}, {"model": "imx708"}, True),
        ({"model": "imx708"}, {"index": 3}, True),
        ({"model": "imx708"}, {"model": "imx219"}, False),
        ({"id": "/base/a", "model": "imx708"}, {"model": "imx708", "index": 1}, True),
        ({"backend": "simulated"}, {}, False),
        ({"backend": "simulated"}, {"backend": "simulated"}, True),
    ],
)
def test_who_may_be_who(one: Keys, other: Keys, same: bool) -> None:
    """Two choices may be one camera unless something that both give differs; either way round."""
    a, b = cameras(one, other)

    assert (same, same) == (a.may_be(b), b.may_be(a))
