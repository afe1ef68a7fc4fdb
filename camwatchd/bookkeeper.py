# SPDX-License-Identifier: MIT
"""Owns the line to the recorder: what is to be written down, what is acknowledged, and what is taken for unwritable.

The recorder may block on a dying SD card; nobody here waits for it. What it has not acknowledged is kept and sent
again to the next recorder under the same serial.
"""

import signal
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from camwatchd.adapters.child import Child, spawn_linked
from camwatchd.adapters.stderr import StderrReader
from camwatchd.core import records as rec
from camwatchd.core.budget import Kind, Verdict
from camwatchd.core.ladder import Rung
from camwatchd.core.messages import ProtocolError
from camwatchd.loop import Loop
from camwatchd.ports import EventLog

PATIENCE = 10.0  # seconds until a record that is not acknowledged counts as unwritable
_IN_FLIGHT = 16  # records at a time; the rest waits here
_KEPT = 500  # records; beyond that the oldest that decides nothing is dropped
_DECIDES = (rec.Begin, rec.CameraHealthy, rec.AskLeave, rec.Revoke, rec.CleanStop)
_AGAIN = (1.0, 5.0, 30.0)  # seconds until a recorder that ended is replaced
_NEVER = float("inf")

Answer = Callable[[Verdict], None]


@dataclass(slots=True)
class Entry:
    """A record on its way."""

    serial: int
    record: rec.Record
    since: float
    sent: bool = False


class Bookkeeper:
    """`note()` and `ask()` never block. `tick()` at `deadline`."""

    def __init__(
        self, loop: Loop, log: EventLog, clock: Callable[[], float], environ: Mapping[str, str],
        arguments: Sequence[str], hear: Callable[[rec.SignsKept | rec.SignsRecalled], None] = lambda _: None,
    ) -> None:  # fmt: skip
        self._loop, self._log, self._clock, self._environ = loop, log, clock, environ
        self._arguments, self._hear_signs = ["camwatchd.recorder", *arguments], hear
        self._child: Child | None = None
        self._stderr: StderrReader | None = None
        self._entries: deque[Entry] = deque()
        self._answers: dict[int, tuple[str, Answer]] = {}  # by serial: camera, and who waits
        self._serial = 0
        self._deaths = 0
        self._start_at = _NEVER
        self._written_at = -_NEVER  # the last acknowledgement
        self._ending = False
        self._medium = ""  # why the state directory grants no reboots whatever happens
        self.trouble = ""  # why records cannot be written at present

    # --- what the supervisor asks of it -------------------------------------------------------------------

    def begin(self, record: rec.Begin) -> None:
        """Start the recorder."""
        self.note(record)
        self._start()

    def note(self, record: rec.Record) -> None:
        """Have it written down."""
        self._serial += 1
        self._entries.append(Entry(self._serial, record, self._clock()))
        if len(self._entries) > _KEPT:
            unsent = [entry for entry in self._entries if not entry.sent][1:]  # the first may be `Begin`
            self._entries.remove(next((e for e in unsent if not isinstance(e.record, _DECIDES)), unsent[0]))
        self._flush()

    def ask(self, record: rec.AskLeave, answer: Answer) -> None:
        """Have it decided; the answer comes once, within PATIENCE."""
        self._answers[self._serial + 1] = (record.camera, answer)
        self.note(record)

    def revoke(self, asked: rec.AskLeave) -> None:
        """It was granted, and nobody does it."""
        text = f"{asked.camera}: {asked.rung} was granted but is not done; the grant is revoked"
        self._log.info("service.leave_revoked", message=text, camera=asked.camera, rung=asked.rung.value)
        newer = (e.record for e in self._entries if isinstance(e.record, rec.AskLeave))
        if asked.rung is Rung.REBOOT or all(record.camera != asked.camera for record in newer):
            # Else what was granted last, and so is revoked, may be a reboot: uncounted, it would come once too often.
            self.note(rec.Revoke(asked.camera))

    def end(self, *, clean: bool) -> None:
        """Let the recorder finish and go; `clean`: because we were told to stop."""
        if self._ending:
            return
        self._answers.clear()  # whoever asked goes too: what is granted to nobody is revoked
        if clean:
            self.note(rec.CleanStop())
        self._ending, self._start_at = True, _NEVER
        if self._child is None and self._entries:
            self._start()
        self._leave_if_done()

    @property
    def pid(self) -> int | None:
        """The recorder's process."""
        return None if self._child is None else self._child.pid

    @property
    def remark(self) -> str:
        """For the status line: what keeps the ledger from being relied on."""
        why = self.trouble or self._medium
        return f"ledger: {why}, so no reboots" if why else ""

    @property
    def deadline(self) -> float:
        """When `tick()` wants to be called."""
        asked = (e.since + PATIENCE for e in self._entries if e.serial in self._answers)
        stderr = self._stderr.deadline if self._stderr else _NEVER
        return min(self._silent_at, self._start_at, stderr, min(asked, default=_NEVER))

    @property
    def _silent_at(self) -> float:
        """When silence becomes trouble. While old records are written one by one there is none."""
        # What is not durable when it is acknowledged would end no trouble, so it begins none.
        waits = (entry.since for entry in self._entries if not isinstance(entry.record, rec.KeepSigns))
        first = next(waits, None)
        if self.trouble or first is None:
            return _NEVER
        return max(first, self._written_at) + PATIENCE

    def tick(self) -> None:
        """Do what is due."""
        now = self._clock()
        if now >= self._start_at:
            self._start()
        if self._stderr and now >= self._stderr.deadline:
            self._tell(self._stderr.tick())
        if now >= self._silent_at:
            self._in_trouble(f"no record was written for {PATIENCE:g} s")
        for entry in [e for e in self._entries if e.serial in self._answers and now >= e.since + PATIENCE]:
            _, answer = self._answers.pop(entry.serial)
            if (
                not entry.sent
            ):  # nobody waits for it any more, and what it would be granted had to be revoked
                self._entries.remove(entry)
            text = f"the request could not be written down within {PATIENCE:g} s"
            answer(Verdict(Kind.REFUSED, "ledger-silent", text, 60.0))

    # --- the process --------------------------------------------------------------------------------------

    def _start(self) -> None:
        self._start_at = _NEVER
        try:
            child = spawn_linked(self._arguments, self._environ)
        except OSError as error:
            self._in_trouble(f"no recorder could be executed: {error}")
            self._start_at = self._clock() + _AGAIN[-1]
            return
        self._child, self._stderr = child, StderrReader(child.stderr)
        self._loop.watch(child.link.fileno(), self._hear)
        self._loop.watch(child.stderr, self._read)
        self._loop.watch(child.pidfd, self._bury)
        for entry in self._entries:
            entry.sent = False
        self._flush()

    def _flush(self) -> None:
        if self._child is None or self._child.link.fileno() < 0:
            return
        for index, entry in enumerate(self._entries):
            if index >= _IN_FLIGHT:
                return
            if not entry.sent and not self._send(entry):
                return

    def _send(self, entry: Entry) -> bool:
        assert self._child is not None
        try:
            self._child.link.send(rec.encode(entry.serial, entry.record))
        except OSError:  # full, or closed: then its end is on the way
            return False
        entry.sent = True
        return True

    def _hear(self) -> None:
        assert self._child is not None
        datagrams, closed = self._child.receive()
        for datagram in datagrams:
            try:
                serial, reply = rec.decode_reply(datagram)
            except ProtocolError as error:
                self._log.error("recorder.misspoke", message=f"the recorder is replaced: {error}")
                self._child.signal(signal.SIGKILL)
                return
            self._replied(serial, reply)
        if closed:
            self._loop.forget(self._child.link.fileno())
            if not self._ending:
                self._child.signal(signal.SIGKILL)  # if it lives on, it is of no use without its link

    def _replied(self, serial: int, reply: rec.Reply) -> None:
        if isinstance(reply, rec.Unwritten):
            self._in_trouble(reply.trouble)
            return
        _, answer = self._answers.pop(serial, ("", None))
        entry = next((entry for entry in self._entries if entry.serial == serial), None)
        if entry is not None:
            self._entries.remove(entry)
        if isinstance(
            reply, rec.Written | rec.Opened | rec.SignsRecalled
        ):  # an answer may be a refusal because of the trouble
            self._written_at = self._clock()
            self._out_of_trouble()
        match reply:
            case rec.Opened():
                self._opened(reply)
            case rec.Answered(verdict) if answer is not None:
                answer(verdict)
            case rec.Answered(verdict) if verdict.kind is Kind.GRANTED and entry is not None:
                assert isinstance(entry.record, rec.AskLeave)
                self.revoke(entry.record)  # too late: nobody waits for it any more
            case rec.SignsKept() | rec.SignsRecalled():
                self._hear_signs(reply)
            case rec.Written(note) if note:
                self._log.info("ledger.note", message=note)
        self._flush()
        self._leave_if_done()

    def _opened(self, reply: rec.Opened) -> None:
        self._medium, self._deaths = reply.untrusted, 0
        for sentence in reply.story:
            self._log.warning("ledger.story", message=sentence)
        if reply.untrusted:
            text = f"the ledger proves nothing here: {reply.untrusted}; the machine will not be rebooted"
            self._log.warning("ledger.untrusted", message=text)

    def _leave_if_done(self) -> None:
        """Closing the link is how the recorder is told that nothing more comes."""
        if self._ending and not self._entries and self._child is not None and self._child.link.fileno() >= 0:
            self._loop.forget(self._child.link.fileno())
            self._child.link.close()

    def _read(self) -> None:
        assert self._child is not None
        assert self._stderr is not None
        self._tell(self._stderr.read_ready())
        if self._stderr.closed:
            self._loop.forget(self._child.stderr)

    def _tell(self, lines: list[str]) -> None:
        for line in lines:
            self._log.warning("recorder.stderr", message=line)

    def _bury(self) -> None:
        assert self._child is not None
        self._read()
        for fd in (self._child.link.fileno(), self._child.stderr, self._child.pidfd):
            self._loop.forget(fd)
        status = self._child.reap()
        self._child = self._stderr = None
        if self._ending:
            return
        pause = _AGAIN[min(self._deaths, len(_AGAIN) - 1)]
        self._deaths += 1
        self._start_at = self._clock() + pause
        text = f"the recorder ended with {signal.strsignal(-status) if status < 0 else f'status {status}'}"
        self._log.error("recorder.exited", message=f"{text}; the next one starts in {pause:g} s")

    # --- trouble ------------------------------------------------------------------------------------------

    def _in_trouble(self, trouble: str) -> None:
        if trouble != self.trouble:
            text = f"the ledger cannot be written: {trouble}; supervision goes on, the machine will not be rebooted"
            self._log.error("ledger.unwritable", message=text)
        self.trouble = trouble

    def _out_of_trouble(self) -> None:
        if self.trouble:
            self._log.info("ledger.writable", message="the ledger is written again")
        self.trouble = ""
