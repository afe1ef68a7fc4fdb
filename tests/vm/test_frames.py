# SPDX-License-Identifier: MIT
"""Proves that readers of a real camera go on when it was unplugged: one in Python, and ffmpeg behind a pipe."""

import json

import pytest

from .scene import Scene, camera

pytestmark = pytest.mark.vm

NOTICED = 5.0  # s; two readers keep the emulated processors busy: how soon it is said is measured elsewhere
ABSENT = 6  # s: longer than either of them waits for a frame
FRESH = 30  # frames that each must have had since
# Not as root: whoever is in the group may see what a camera sees.
_RUN = (
    "systemd-run --quiet --unit={0} --property=RuntimeDirectory={0} --property=User=nobody"
    " --property=SupplementaryGroups=video {1}"
)
# Takes what comes, for ever; what it has seen is in a file that is always whole.
_READER = b"""
import json, os
from camwatchd.client import Camera
frames, disorder, last = 0, 0, 0
with Camera("cam0") as camera:
    while True:
        success, frame = camera.capture_frame_with_timeout(2)
        if not success:
            continue
        frames += 1
        disorder += frame.sensor_timestamp <= last
        last = frame.sensor_timestamp
        facts = {"frames": frames, "disorder": disorder, "shape": frame.shape, "format": frame.format}
        facts["same_time"] = frame.metadata["SensorTimestamp"] == frame.sensor_timestamp
        with open("/run/reader/new", "w") as file:
            json.dump(facts, file)
        os.replace("/run/reader/new", "/run/reader/seen")
"""
_PIPE = b"""
camwatchctl stream --format y4m | ffmpeg -nostdin -loglevel error -f yuv4mpegpipe -i - \\
    -progress /run/ffmpeg/progress -stats_period 0.2 -f null -
"""


@pytest.mark.scenario("two readers, one of them ffmpeg, while the camera is unplugged for 6 s")
def test_readers_go_on_when_the_camera_is_back(scene: Scene) -> None:
    """Neither ends nor is told to begin anew; frames after the pause are of the same size and in order."""
    scene.start(camera())
    scene.await_standby()
    scene.machine.write("/root/reader.py", _READER)
    scene.machine.write("/root/pipe.sh", _PIPE)
    scene.machine.run("chmod 0755 /root /root/reader.py /root/pipe.sh", check=True)
    for name, program in (("reader", "python3 /root/reader.py"), ("ffmpeg", "bash /root/pipe.sh")):
        scene.machine.run(_RUN.format(name, program), check=True)
    _await_frames(scene, FRESH)

    begun, _ = scene.during(ABSENT, "unplug", "plug")
    alert = scene.fault("device-gone", "connection_error", since=begun, within=NOTICED)
    scene.entry("EVENT=alert.recovery", after=alert, timeout=90)
    paused = _frames(scene)
    python, piped = _await_frames(scene, max(paused) + FRESH)

    seen = json.loads(scene.machine.run("cat /run/reader/seen", check=True).stdout)
    assert (seen["disorder"], seen["shape"], seen["format"]) == (0, [240, 320, 2], "YUYV")
    assert seen["same_time"]
    assert _states(scene) == {"reader": ("active", "0"), "ffmpeg": ("active", "0")}
    facts = (
        f"{python} frames in Python, {piped} in ffmpeg, of them {paused[0]} and {paused[1]} before the pause"
    )
    scene.properties.append(("measured", facts))
    scene.undisturbed()


def _await_frames(scene: Scene, count: int) -> tuple[int, int]:
    """Until both have had so many."""
    looked = 0
    while min(found := _frames(scene)) < count:
        looked += 1
        assert looked < 120, f"{count} frames: {found}, {_states(scene)}"
        scene.machine.run("sleep 0.5", check=True)
    return found


def _frames(scene: Scene) -> tuple[int, int]:
    """What the reader in Python and ffmpeg have had so far."""
    seen = scene.machine.run("cat /run/reader/seen").stdout
    told = scene.machine.run("grep frame= /run/ffmpeg/progress | tail -n 1").stdout
    return json.loads(seen)["frames"] if seen else 0, int(told.partition("=")[2] or 0)


def _states(scene: Scene) -> dict[str, tuple[str, str]]:
    shown = {name: scene.machine.unit(name, "ActiveState", "NRestarts") for name in ("reader", "ffmpeg")}
    return {name: (facts["ActiveState"], facts["NRestarts"]) for name, facts in shown.items()}
