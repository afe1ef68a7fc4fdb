# SPDX-License-Identifier: MIT
"""Owns the text format that Prometheus reads (version 0.0.4), and a file of it for node exporter's collector."""

import os
from collections.abc import Iterator
from pathlib import Path

from camwatchd.cli import placing
from camwatchd.cli.health_facts import Health
from camwatchd.cli.metrics import METRICS, Labels, Metric


def exposition(health: Health) -> str:
    """All metrics that there are samples of."""
    return "".join(f"{line}\n" for metric in METRICS for line in _lines(metric, health))


def _lines(metric: Metric, health: Health) -> Iterator[str]:
    samples = list(metric.samples(health))
    if samples:
        yield f"# HELP {metric.name} {metric.help}"
        yield f"# TYPE {metric.name} {metric.kind}"
    for labels, value in samples:
        yield f"{metric.name}{_braced(labels)} {float(value):.15g}"


def _braced(labels: Labels) -> str:
    pairs = (f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{','.join(pairs)}}}" if labels else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def write(file: Path, text: str) -> None:
    """Whole or not at all: the collector may read at any moment, and takes only what ends in .prom."""
    aside = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        aside.write_text(text)
        aside.chmod(0o644)  # node exporter is another user, whatever our umask is
        placing.place(aside, file)
    finally:
        aside.unlink(missing_ok=True)
