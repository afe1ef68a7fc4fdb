# SPDX-License-Identifier: MIT
"""Owns what is shown of a camera's post: a line of the status, and what the watchdog needs to know."""

from camwatchd.core import health, lease
from camwatchd.core.lease import Gate
from camwatchd.core.state import Phase
from camwatchd.core.status import CameraView
from camwatchd.post import Post


def view(post: Post) -> CameraView:
    """What the status line tells."""
    state, now, score = post.state, post.clock(), health.score(post.state.failures)
    return CameraView(
        name=post.camera.name, phase=state.phase, band=health.band(post.limits, score).value, score=score,
        fps=fps(post),
        last_frame=post.figures.last_frame(state.last_healthy), late=post.figures.late,
        fault=state.fault, rung=state.rung, attempt=state.attempt, attempts=post.policy.row(state.rung).attempts,
        exhausted=state.exhausted, step=str(state.milestone), deadline=state.ends_by,
        recoveries=post.figures.recent(now), refusal=state.refusal, ask_at=state.ask_at,
        drill=state.drill.name if state.drill else "", critical=state.critical_said,
    )  # fmt: skip


def fps(post: Post) -> float:
    """Healthy frames a second; none while nobody captures."""
    return post.figures.fps() if post.witness.streaming else 0.0


def gate(post: Post) -> Gate:
    """What the watchdog needs to know."""
    state = post.state
    detection = lease.detection_time(post.policy, state.frame_duration)
    aside = state.phase in (Phase.PARKED, Phase.WEDGED, Phase.PAUSED)
    # After a failed capture the frames before it pay for nothing any more.
    delivered = post.delivered and state.phase is not Phase.RETRYING
    return Gate(not state.in_incident, delivered, state.lease_until, detection, aside)
