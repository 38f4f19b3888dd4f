"""Tabs: a websocket each, with a session that is freed when the tab closes."""

from __future__ import annotations

import json
import logging
from typing import Any, Final

from anyio.to_thread import run_sync
from starlette.websockets import WebSocket, WebSocketDisconnect

from groundling.errors import GroundlingError
from groundling.playground.cast import Cast
from groundling.playground.errors import PlaygroundError, in_words
from groundling.playground.gallery import Gallery
from groundling.playground.limits import MOST_MESSAGE, MOST_SEED, MOST_TABS
from groundling.playground.session import ACT, HAND, SAY, Scene, Session
from groundling.playground.view import refusal_of, state_of

UNEXPECTED: Final = "that did not work, and the playground does not know why; the terminal in which it runs says more"
NOT_UNDERSTOOD: Final = "the page sent something that is not understood: reload it"
MOST_TURNS: Final = 8  # steps in one message

_log = logging.getLogger(__name__)


class Tab:
    """One tab: what its messages ask for is done one after the other.

    Args:
        cast: who can act.
        gallery: whose sentences are suggested.

    Attributes:
        session: of the world that is open; None before.
    """

    def __init__(self, cast: Cast, gallery: Gallery) -> None:
        self._cast, self._gallery = cast, gallery
        self.session: Session | None = None
        self._shows_first_person = False

    def do(self, message: dict[str, Any]) -> dict[str, Any]:
        """What the page is told after a message."""
        text = message.get("text", "")
        try:
            self._do(message)
        except GroundlingError as error:
            written = "\n".join(text) if isinstance(text, list) else text
            return refusal_of(self.session, in_words(error), written if isinstance(written, str) else "")
        assert self.session is not None
        return state_of(self.session, shows_first_person=self._shows_first_person)

    def _do(self, message: dict[str, Any]) -> None:
        what = message.get("do")
        if what == "open":
            self._put(self._open(message))
            return
        session = self.session
        if session is None:
            raise PlaygroundError("open a world first")
        if what in (SAY, HAND):
            session.apply(what, message.get("text"))
        elif what in ("act", "step", "edit"):
            for _ in range(min(max(1, _number(message.get("times", 1))), MOST_TURNS)):
                session.apply(what, message.get("what"))
                if session.world.ending is not None:
                    break
        elif what == "expert":
            session.ask_expert()
        elif what == "expert_step":
            session.ask_expert()
            session.apply(ACT, session.hint)
        elif what == "first_person":
            self._shows_first_person = bool(message.get("what"))
        elif what == "undo":
            self._put(session.undone())
        elif what == "again":
            self._put(session.restart())
        elif what == "seed":
            scene = session.scene.to_dict() | {"seed": message.get("what"), "events": []}
            self._put(session.restart(Scene.of(scene).seed))
        elif what == "agent":
            self._put(session.with_agent(str(message.get("what", ""))))
        else:
            raise PlaygroundError("the page asked for something that this version does not know: reload it")

    def _open(self, message: dict[str, Any]) -> Session:
        entry = self._gallery.entries.get(str(message.get("entry", "")))
        if entry is not None:
            return Session(self._cast, Scene(entry.task, entry.seed, entry.agent), entry.examples)
        scene = Scene.of(message.get("scene"))
        known = next((one for one in self._gallery.entries.values() if one.task == scene.task), None)
        return Session(self._cast, scene, known.examples if known else ())

    def _put(self, session: Session) -> None:
        """Another session in the place of the one before."""
        before, self.session = self.session, session
        if before is not None:
            before.close()

    def close(self) -> None:
        """Free the world."""
        if self.session is not None:
            self.session.close()
            self.session = None


class Tabs:
    """All tabs.

    Args:
        cast: who can act.
        gallery: what there is to try.

    Attributes:
        open: the tabs whose websockets are open.
    """

    def __init__(self, cast: Cast, gallery: Gallery) -> None:
        self._cast, self._gallery = cast, gallery
        self.open: set[Tab] = set()

    async def serve(self, websocket: WebSocket) -> None:
        """One tab from its beginning to its end."""
        await websocket.accept()
        if len(self.open) >= MOST_TABS:
            await websocket.send_json(refusal_of(None, f"{MOST_TABS} tabs are open already: close one first"))
            await websocket.close()
            return
        tab = Tab(self._cast, self._gallery)
        self.open.add(tab)
        try:
            while True:
                received = await websocket.receive()
                if received["type"] == "websocket.disconnect":
                    break
                await websocket.send_text(await self._answer(tab, received.get("text")))
        except WebSocketDisconnect:
            pass
        finally:
            self.open.discard(tab)
            await run_sync(tab.close)

    async def _answer(self, tab: Tab, text: str | None) -> str:
        """JSON of what the page is told after a message; None is one that is no text."""
        message = _message_of(text)
        if isinstance(message, str):
            return _as_json(refusal_of(tab.session, message))
        asked = message.get("number")
        is_number = isinstance(asked, int) and not isinstance(asked, bool) and abs(asked) <= MOST_SEED
        number = {"number": asked if is_number else None}
        try:
            return _as_json(await run_sync(tab.do, message) | number)
        except Exception as error:  # a tab must not end by one mistake of ours, and nobody reads a stack trace there
            _log.warning("a tab's %.40r failed: %s: %s", message.get("do"), type(error).__name__, error, exc_info=True)
            return _as_json(refusal_of(None, UNEXPECTED) | number)


def _message_of(text: str | None) -> dict[str, Any] | str:
    """A message of a page; a sentence that says why it is none."""
    if text is not None and len(text) > MOST_MESSAGE:
        return "this is too much at once"
    try:
        message = json.loads(text or "")
        json.dumps(message, ensure_ascii=False, allow_nan=False).encode()  # not of numbers and characters that are none
    except (ValueError, RecursionError):
        return NOT_UNDERSTOOD
    return message if isinstance(message, dict) else NOT_UNDERSTOOD


def _as_json(told: dict[str, Any]) -> str:
    return json.dumps(told, ensure_ascii=True, allow_nan=False)


def _number(told: Any) -> int:
    if isinstance(told, bool) or not isinstance(told, int):
        raise PlaygroundError("how often is a whole number")
    return told
