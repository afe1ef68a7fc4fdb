# SPDX-License-Identifier: MIT
"""Owns the table of what each verb of camwatchctl answers in each state: its exit status, as camwatchctl(1) has it."""

from dataclasses import dataclass

STATES = ("healthy", "recovering", "parked", "paused", "stopped")
FINDINGS = (
    -1
)  # as bad as the worst of its findings: a container's host may have no clock that is synchronised
READER_LEFT = 141  # as of every program: 128 and SIGPIPE


@dataclass(frozen=True, slots=True)
class Row:
    """A command and its exit status in each state; None: it is another row's there."""

    words: str
    statuses: dict[str, int | None]
    json: str  # the same as JSON
    shell: str  # what it is run by
    json_shell: str  # what that is run by
    before: str

    @property
    def verb(self) -> str:
        return self.words.split()[0]

    @property
    def lines(self) -> bool:
        """Whether its JSON is one object a line."""
        return self.verb in ("monitor", "logs", "stream") or "--watch" in self.words


def row(
    words: str,
    *statuses: int | None,
    json: str = "",
    shell: str = "{}",
    json_shell: str = "",
    before: str = "true",
) -> Row:
    """Statuses in the order of STATES; `before` is run before it."""
    told = dict(zip(STATES, statuses, strict=True))
    return Row(words, told, json or f"{words} --json", shell, json_shell or shell, before)


# Ctrl-C as soon as it has said something; the status is the program's own.
INTERRUPTING = "/srv/interrupting"
INTERRUPTED = f"bash {INTERRUPTING} {{}}"
SCRIPT = """
exec 3< <(exec env --default-signal=INT "$@")
read -r line <&3
kill -INT $!
echo "$line"
cat <&3
wait $!
"""
# Who then leaves.
TO_A_READER = "bash -c '{} | head -c 2000 >> /root/film; exit ${{PIPESTATUS[0]}}'"
TO_A_READER_OF_LINES = "bash -c '{} | head -n 3; exit ${{PIPESTATUS[0]}}'"

PAUSE = "camwatchctl pause 10m > /dev/null"

# The order counts: what changes the state comes last, and restores it; but a camera that is paused while it is
# recovered or parked stays so.
# fmt: off
ROWS = (
    #                                           healthy recovering parked  paused stopped
    row("drill crash --yes",                          0,      75,     75,     75,     69),
    row("status",                                     0,       1,      3,      1,     69),
    row("status --detailed",                          0,       1,      3,      1,     69),
    row("status --watch --interval 0.2",              0,       1,      3,      1,     69,  shell=INTERRUPTED),
    row("health",                                     0,       1,      2,      1,      2),
    row("health --nagios",                            0,       1,      2,      1,      2,  json="health --json"),
    row("health --prometheus",                        0,       0,      0,      0,      0,  json="health --json"),
    row("monitor --duration 0.4s --interval 0.2",     0,       1,      3,      1,     69),
    row("wait --timeout 0.2",                         0,      75,      3,     75,     69),
    row("snapshot --timeout 0.7 /root/now.jpg",        0,      75,     75,     75,     69),
    row("stream --give-up --timeout 0.7",   READER_LEFT,      75,     75,     75,     69,
        shell=TO_A_READER, json_shell=TO_A_READER_OF_LINES),
    row("controls",                                   0,       0,      0,     75,     69),
    row("logs",                                       0,       0,      0,      0,      0),
    row("logs --follow",                              0,       0,      0,      0,      0,  shell=INTERRUPTED),
    row("history",                                    0,       1,      1,      0,      0),
    row("incident",                                   0,       1,      1,      0,      0),
    row("incident 99",                                2,       2,      2,      2,      2),
    row("test -n 1 --timeout 0.7",                    0,       1,      1,      1,      0),
    row("ladder",                                     0,       0,      0,      0,      0),
    row("ladder --simulate all",                      0,       0,      0,      0,      0),
    row("faults",                                     0,       0,      0,      0,      0),
    row("doctor",                              FINDINGS, FINDINGS, FINDINGS, FINDINGS, FINDINGS),
    row("check-config",                               0,       0,      0,      0,      0),
    row("version",                                    0,       0,      0,      0,      0),
    row("recover --dry-run",                          0,       0,      0,     75,     69),
    row("recover --timeout 0.3",                      2,       1,   None,     75,     69),  # nobody can be asked
    row("recover --yes --timeout 20",                 0,    None,      3,     75,     69),
    row("reload",                                     0,       0,      0,      0,     69),
    row("resume",                                  None,       0,      0,   None,     69),  # nothing was paused
    row("pause 10m",                                  0,       0,      0,      0,     69),
    row("resume",                                     0,    None,   None,      0,   None,  before=PAUSE),
)
# fmt: on
