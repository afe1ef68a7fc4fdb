# SPDX-License-Identifier: MIT
"""Owns what was heard lately about one camera, from its worker's stderr and from the kernel: clues, and evidence."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from camwatchd.core import classify
from camwatchd.core.classify import Finding
from camwatchd.core.kernel import KernelLine, Memory, concerns, is_of_power

MARK = "kernel: "  # before the kernel's lines in the evidence
_KERNEL = 20  # lines that an incident keeps
_WRITTEN = 200  # ... of the workers, their last words among them
_WIDTH = 500  # characters of each of these
_BEFORE = 600.0  # seconds before an incident in which a line may have to do with it


@dataclass(frozen=True, slots=True)
class Clue:
    """A line on stderr that would explain a failure."""

    fault: str
    line: str
    at: float


@dataclass(frozen=True, slots=True)
class _Former:
    """A line of a worker that another one followed, or that a drill had it write; `until` then."""

    at: float
    line: str
    until: float


class Hearsay:
    """Nothing here is a fault. A line that nobody knows is kept as well: some human will.

    `identity`: what is known by now of which camera it is. At start that may be nothing.
    """

    def __init__(self, clock: Callable[[], float], identity: Callable[[], str]) -> None:
        self._clock, self._identity = clock, identity
        self._clue: Clue | None = None
        self._located = ("", "")
        self._kernel = Memory(_KERNEL)
        self._written: deque[tuple[float, str]] = deque(
            maxlen=_WRITTEN
        )  # by the present worker, or the last one
        self._former: deque[_Former] = deque(maxlen=_WRITTEN)
        self._practised: set[str] = set()  # what a drill had the present worker write

    def wrote(self, line: str) -> Finding | None:
        """A worker's stderr; gives what the line says."""
        finding = classify.of_line(line)
        if finding is not None or not classify.is_chatter(line):
            self._written.append((self._clock(), line[:_WIDTH]))
        return finding

    def located(self, place: str) -> None:
        """Where on USB the camera is that `identity` tells of; empty: it is not on USB."""
        self._located = self._identity(), place

    def suspect(self, fault: str, line: str) -> None:
        """It would explain a failure that follows."""
        self._clue = Clue(fault, line, self._clock())

    def kernel_said(self, line: KernelLine) -> None:
        """A line about cameras, perhaps about this one."""
        if self._mine(line):
            self._kernel.add(line)

    def died(self, said: tuple[str, ...]) -> tuple[str, ...]:
        """The worker is gone; what tells of its end takes the place of what it wrote from there on.

        Gives it without what only a drill had it write.
        """
        practised = self._practised.difference(line for _, line in self._written)
        words = tuple(line[:_WIDTH] for line in said if line[:_WIDTH] not in practised)
        begins = [number for number, (_, line) in enumerate(self._written) if (line,) == words[:1]]
        before = list(self._written)[: begins[-1]] if begins else list(self._written)
        kept = [(at, line) for at, line in before if line not in words]
        self._former = deque((one for one in self._former if one.line not in words), _WRITTEN)
        self._written = deque([*kept, *((self._clock(), line) for line in words)], _WRITTEN)
        return words

    def worker_begins(self, *, in_incident: bool) -> None:
        """Of the words of those before it, the incident that is open keeps its own; without one, nobody needs them."""
        self._retire()
        self._practised.clear()
        if not in_incident:
            self._former.clear()

    def forget_the_drill(self) -> None:
        """What was written in it explains nothing that happens from now on, and is not said again."""
        self._practised.update(line for _, line in self._written)
        self._retire()

    def _retire(self) -> None:
        self._clue, now = None, self._clock()
        self._former.extend(_Former(at, line, now) for at, line in self._written)
        self._written.clear()

    def explained(self, fault: str, evidence: str, within: float = float("inf")) -> tuple[str, str]:
        """A failure without a good reason takes the one that the camera stack, or else the kernel, gave for it.

        `within`: so many seconds ago at most, where that is less than a word counts otherwise.
        """
        if (clue := self._clue) is not None and self._clock() - clue.at <= within:
            name = classify.better_name(fault, clue.fault, self._clock() - clue.at)
            if name != fault:
                return name, _joined(evidence, clue.line)
        for line in reversed(self._heard(within)):
            name = classify.kernels_name(fault, line.meaning.fault or fault, self._age(line, fault))
            if name != fault:
                return name, _joined(evidence, MARK + line.text)
        return fault, evidence

    def reason(self, fault: str, seconds: float) -> tuple[str, str]:
        """Why something takes its time: as for a failure, or at least the kernel's last line of these seconds."""
        name, evidence = self.explained(fault, "", seconds)
        recent = [f"{MARK}{line.text}" for line in self._heard(seconds)]
        return name, evidence or (recent[-1] if recent else "")

    def power_failed(self, within: float) -> bool:
        """Whether the kernel told of weak power in these seconds, be it that it was over."""
        return any(is_of_power(line.text) for line in self._heard(within))

    def evidence(self, opened_at: float) -> tuple[str, ...]:
        """What an incident that was opened then leaves behind, oldest first within each kind.

        Words only of the worker that it began with and of those after it: others had other troubles.
        """
        since = opened_at - _BEFORE
        kernel = [line for line in self._heard() if line.at >= since or line.meaning.lasting]
        former = [one.line for one in self._former if one.at >= since and one.until >= opened_at]
        written = [*former, *(line for at, line in self._written if at >= since)]
        return (*(f"{MARK}[{line.at:12.6f}] {line.text}" for line in kernel), *written[-_WRITTEN:])

    def _heard(self, within: float = float("inf")) -> list[KernelLine]:
        """Without what was kept while this might have been any camera."""
        since = self._clock() - within
        return [line for line in self._kernel.lines() if line.at >= since and self._mine(line)]

    def _mine(self, line: KernelLine) -> bool:
        """Perhaps. Of a camera that took another one's table, where that one was says nothing."""
        identity, (known, place) = self._identity(), self._located
        return concerns(line.meaning, identity, place if known == identity else "")

    def _age(self, line: KernelLine, fault: str) -> float:
        """A sensor that did not answer at boot is why the camera is not found, however long ago that was."""
        return 0.0 if line.meaning.lasting and fault == "not-found" else self._clock() - line.at


def _joined(evidence: str, line: str) -> str:
    return f"{evidence}; {line}" if evidence else line
