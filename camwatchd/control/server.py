# SPDX-License-Identifier: MIT
"""Owns the daemon's end of the control socket: who is let in, who is heard, and what nobody may make it hold.

A descriptor of its own stands for all of it in the supervisor's loop: `serve()` when `fileno()` is readable,
`tick()` at `deadline`, `look()` after every turn. Each turn of the loop lets one client in and reads one datagram
of each, for as long as a turn may take, and the next one goes on from there: so no client, however busy, keeps the
loop to itself, nor do all of them together.
"""

import selectors
import socket
import traceback
from collections import deque
from collections.abc import Callable
from pathlib import Path

from camwatchd.control import peers
from camwatchd.control.connection import Connection, Lent
from camwatchd.control.handlers import Daemon, Handlers
from camwatchd.control.protocol import (
    Adjust,
    Answer,
    Attach,
    Reason,
    Recover,
    Refused,
    Request,
    decode_request,
    encode_answer,
)
from camwatchd.ports import EventLog

MOST_CLIENTS = 16
MOST_READERS = 64  # of frames, and half of them of any user but root
MOST_OWED = 16  # answers to one client; who asks for more without reading them is not served
TURN = 0.010  # seconds, and one client more: after that the loop has its turn; who was not served waits for the next
IDLE = 60.0  # seconds after its last answer until a client is dropped
_QUEUE = 64  # connections that wait to be let in
_DEAF = 1.0  # seconds for which nobody is let in when there is no descriptor left
_NEVER = float("inf")
_HAS_IT = "this connection has that ring already; another comes when its own says that it is closed"
_BOTH = selectors.EVENT_READ | selectors.EVENT_WRITE


class Server:
    """Nothing here blocks, and nothing a client does raises."""

    def __init__(
        self, daemon: Daemon, log: EventLog, clock: Callable[[], float], rights: peers.Rights | None = None
    ) -> None:
        self._handlers = Handlers(daemon, clock)
        self._log, self._clock = log, clock
        self._rights = rights or peers.Rights()
        # A descriptor of its own, and readable when anything in it is ready.
        self._selector = selectors.EpollSelector()
        self._listener: socket.socket | None = None
        self._clients: set[Connection] = set()
        self._ready: deque[tuple[selectors.SelectorKey, int]] = deque()  # and not served yet
        self._deaf_until = _NEVER

    def listen(self, path: Path) -> None:
        """Take the place of whatever socket a previous run left there; OSError: it cannot be had."""
        aside = path.with_name(f"{path.name}.new")
        aside.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
        try:
            listener.bind(str(aside))
            # Everybody may connect, whatever our umask is: the credentials decide what is answered.
            aside.chmod(0o666)
            listener.listen(_QUEUE)
            aside.rename(path)  # at no moment is there a socket that does not answer
        except OSError:
            listener.close()
            raise
        self._listener = listener
        self._selector.register(listener, selectors.EVENT_READ)

    # --- what the supervisor's loop calls -----------------------------------------------------------------

    def fileno(self) -> int:
        """For the loop."""
        return self._selector.fileno()

    def serve(self) -> None:
        """Serve whoever is ready, once each, as long as there is time."""
        over = self._clock() + TURN
        self._ready = self._ready or deque(self._selector.select(0))
        while self._ready and self._clock() <= over:
            key, mask = self._ready.popleft()
            if not isinstance(key.fileobj, Connection):
                self._let_in()
            elif key.fileobj in self._clients:  # else it has made room for another meanwhile
                self._attend(key.fileobj, mask)

    @property
    def deadline(self) -> float:
        """When `tick()` wants to be called next."""
        idle = (client.served + IDLE for client in self._clients if not (client.waits or client.reads))
        return min(self._deaf_until, self._handlers.deadline, *idle)

    def tick(self) -> None:
        """Drop who has been idle; tell who has waited long enough."""
        now = self._clock()
        for client in [c for c in self._clients if not (c.waits or c.reads) and now >= c.served + IDLE]:
            self._drop(client, "idle")
        if now >= self._deaf_until and self._listener is not None:
            self._deaf_until = _NEVER
            self._selector.register(self._listener, selectors.EVENT_READ)
        self.look()

    def look(self) -> None:
        """Something may have happened that somebody waits for; cheap when nobody does."""
        self._handlers.look()

    def close(self) -> None:
        """Let everybody go. The socket's file stays: who connects is refused, and the next start replaces it."""
        for client in list(self._clients):
            self._drop(client, "the daemon stops")
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        self._selector.close()

    # --- coming and going ---------------------------------------------------------------------------------

    def _let_in(self) -> None:
        assert self._listener is not None
        try:
            sock, _ = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):  # it left while it waited
            return
        except OSError as error:
            self._turn_deaf(error)
            return
        client = Connection(sock, peers.of(sock), self._clock())
        if not self._has_room_for(client.peer):
            client.send(encode_answer(0, _crowded()))
            client.close()
            return
        self._clients.add(client)
        self._selector.register(client, selectors.EVENT_READ)

    def _turn_deaf(self, error: OSError) -> None:
        """No descriptor or memory is left: who waits to be let in must not wake the loop over and over."""
        assert self._listener is not None
        self._selector.unregister(self._listener)
        self._deaf_until = self._clock() + _DEAF
        text = f"no control client can be let in for {_DEAF:g} s: {error}"
        self._log.warning("control.deaf", message=text)

    def _has_room_for(self, peer: peers.Peer) -> bool:
        """Whether there is room, or could be made: who may do more goes before who may do less, root before all."""
        clients = [client for client in self._clients if not client.reads]
        if len(clients) < MOST_CLIENTS:
            return True
        victim = min(clients, key=lambda c: (self._rank(c.peer), not c.is_deaf, c.waits > 0, c.served))
        if not peer.is_root and self._rank(victim.peer) >= self._rank(peer):
            return False
        victim.send(encode_answer(0, _crowded()))
        self._drop(victim, "made room for another")
        return True

    def _rank(self, peer: peers.Peer) -> int:
        if peer.is_root:
            return 3
        return int(self._rights.may_act(peer)) + int(self._rights.may_see(peer))

    def _drop(self, client: Connection, why: str) -> None:
        self._clients.discard(client)
        self._selector.unregister(client)
        client.close()
        self._log.debug(
            "control.dropped", message=f"client of uid {client.peer.uid}: {why}", pid=client.peer.pid
        )

    # --- questions and answers ----------------------------------------------------------------------------

    def _attend(self, client: Connection, mask: int) -> None:
        if mask & selectors.EVENT_WRITE:
            self._settle(client, client.flush())
        if mask & selectors.EVENT_READ and client in self._clients:
            self._read(client)

    def _read(self, client: Connection) -> None:
        datagram = client.receive()
        if datagram is None:
            return
        if not datagram:
            self._drop(client, "left")
            return
        if client.owed >= MOST_OWED:
            self._drop(client, "asks for more than it reads")
            return
        serial, request = decode_request(datagram)
        if _is_order(request) and client.has_left:
            # It gave up waiting for us, and may have told its user that nothing was done.
            text = (
                f"not done, for uid {client.peer.uid} (pid {client.peer.pid}) has left meanwhile: {request}"
            )
            self._log.warning("control.late", message=text, uid=client.peer.uid, client=client.peer.pid)
            self._drop(client, "left before its order was read")
            return
        refusal = self._objection(client, request)
        client.waits += 1
        if isinstance(request, Refused) or refusal is not None:
            refused = refusal or request
            assert isinstance(refused, Refused)
            self._log.debug(
                "control.refused", message=refused.message, uid=client.peer.uid, pid=client.peer.pid
            )
            self.answer(client, serial, refused)
        else:
            self._handle(client, serial, request)

    def _objection(self, client: Connection, request: Request | Refused) -> Refused | None:
        if isinstance(request, Refused):
            return request
        refusal = self._rights.objection(client.peer, request)
        if refusal is None and isinstance(request, Attach):
            refusal = None if client.reads else self._full(client.peer)
            client.reads = client.reads or refusal is None
        return refusal

    def _full(self, peer: peers.Peer) -> Refused | None:
        """Readers keep their connections, so there is a bound; one user alone cannot use it up."""
        readers = [other.peer for other in self._clients if other.reads]
        if len(readers) >= MOST_READERS:
            return Refused(Reason.CROWDED, f"{MOST_READERS} readers of frames are connected already")
        if not peer.is_root and sum(other.uid == peer.uid for other in readers) >= MOST_READERS // 2:
            text = f"uid {peer.uid} has {MOST_READERS // 2} readers of frames connected already"
            return Refused(Reason.CROWDED, text)
        return None

    def _handle(self, client: Connection, serial: int, request: Request) -> None:
        if _is_order(request):
            text = f"asked for by uid {client.peer.uid} (pid {client.peer.pid}): {request}"
            # An application may steer its camera many times a second: that is nothing for the journal.
            dry = isinstance(request, Recover) and request.dry_run
            asks = dry or (isinstance(request, Adjust) and not request.controls)
            say = self._log.debug if dry or isinstance(request, Adjust) else self._log.info
            say(
                "control.asked" if asks else "control.ordered",
                message=text,
                uid=client.peer.uid,
                client=client.peer.pid,
            )
        try:
            self._handlers.handle(request, _Asker(self, client, serial))
        except Exception:
            # Everybody may ask how things are: a mistake of ours in the answer must not let them restart the
            # service. Reading leaves nothing half done; whatever else fails, the supervisor has to know.
            if not isinstance(request, peers.READING):
                raise
            self._log.error("control.failed", message=traceback.format_exc())
            text = "the daemon failed to answer; its journal says how: journalctl -u camwatchd"
            self.answer(client, serial, Refused(Reason.INTERNAL, text))

    def knows(self, client: Connection) -> bool:
        """Whether it is still connected."""
        return client in self._clients

    def answer(self, client: Connection, serial: int, answer: Answer, lent: Lent | None = None) -> None:
        """Tell a client, if it is still there."""
        if client not in self._clients:  # it has left meanwhile
            if lent is not None:
                lent.give_back()
            return
        if lent is not None and client.has(lent):
            lent.give_back()
            answer, lent = Refused(Reason.CROWDED, _HAS_IT), None
        client.waits -= 1
        client.served = self._clock()
        self._settle(client, client.send(encode_answer(serial, answer), lent))

    def _settle(self, client: Connection, alive: bool) -> None:
        """Wait for room in its socket exactly as long as something waits for it."""
        if alive:
            self._selector.modify(client, _BOTH if client.backlog else selectors.EVENT_READ)
        else:
            self._drop(client, "left before its answer")


class _Asker:
    """A request that will be answered, and whether anybody still waits for that."""

    def __init__(self, server: Server, client: Connection, serial: int) -> None:
        self._server, self._client, self._serial = server, client, serial

    @property
    def listens(self) -> bool:
        return self._server.knows(self._client)

    def __call__(self, answer: Answer, lent: Lent | None = None) -> None:
        self._server.answer(self._client, self._serial, answer, lent)


def _is_order(request: Request | Refused) -> bool:
    """Whether it changes something."""
    return not isinstance(request, (*peers.READING, Attach, Refused))


def _crowded() -> Refused:
    text = f"{MOST_CLIENTS} clients are connected already"
    return Refused(Reason.CROWDED, text, "try again in a moment; root always gets in")
