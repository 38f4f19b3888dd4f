"""The server: pages, files, what there is to look at, and a websocket for each tab."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from groundling.errors import GroundlingError
from groundling.playground.cast import RUN, Cast
from groundling.playground.errors import PlaygroundError, in_words
from groundling.playground.failures import EPISODES, find_failures, suites_of
from groundling.playground.gallery import Gallery
from groundling.playground.labels import PAIRS, Labels
from groundling.playground.runs import Runs
from groundling.playground.security import Guard, hosts_for
from groundling.playground.tabs import UNEXPECTED, Tabs
from groundling.training.run_folder import resume_config
from groundling.trust import name_code

STATIC: Final = Path(__file__).parent / "static"
MOST_BODY: Final = 1 << 16  # bytes of a request

_log = logging.getLogger(__name__)


class Playground:
    """The parts of the playground, and its routes.

    Args:
        root: folder below which runs are; None: there are none.
        host: that the server listens on.
        tasks: of a user's own that the page lists as well.
    """

    def __init__(self, root: Path | None = None, host: str = "127.0.0.1", tasks: Sequence[str] = ()) -> None:
        name_code(*tasks)
        self.cast = Cast(root)
        self.gallery = Gallery(self.cast)
        self.runs = Runs(root)
        self.labels = Labels(self.runs)
        self.tabs = Tabs(self.cast, self.gallery)
        self._host = host
        self._tasks = tuple(tasks)

    def app(self) -> ASGIApp:
        """The application, guarded."""
        routes = [
            Route("/", self._page),
            Mount("/static", StaticFiles(directory=STATIC)),
            WebSocketRoute("/tab", self.tabs.serve),
            Route("/api/gallery", self._answer(self._gallery)),
            Route("/api/gallery/{key}.png", self._answer(self._picture)),
            Route("/api/runs", self._answer(self._runs)),
            Route("/api/curves", self._answer(self._curves)),
            Route("/api/run", self._answer(self._run)),
            Route("/api/failures", self._answer(self._failures), methods=["POST"]),
            Route("/api/compare", self._answer(self._compare)),
            Route("/api/video", self._answer(self._video)),
            Route("/api/labels", self._answer(self._labels)),
            Route("/api/labels", self._answer(self._label), methods=["POST"]),
            Route("/api/labels/video", self._answer(self._label_video)),
        ]
        hosts, any_address = hosts_for(self._host)
        return Guard(Starlette(routes=routes), hosts, any_address=any_address)

    async def _page(self, request: Request) -> Response:
        return FileResponse(STATIC / "index.html")

    def _answer(self, work: Callable[[Request, dict[str, Any]], Any]) -> Callable[[Request], Awaitable[Response]]:
        """A route whose work is done in a thread; what goes wrong is told in a sentence."""

        async def answer(request: Request) -> Response:
            try:
                body = await _body_of(request) if request.method == "POST" else {}
                found = await run_sync(work, request, body)
                return found if isinstance(found, Response) else _as_json(found)
            except GroundlingError as error:
                return JSONResponse({"message": in_words(error)}, status_code=400)
            except (OSError, KeyError, ValueError, TypeError, RecursionError) as error:
                _log.warning("a request failed: %s: %s", type(error).__name__, error)
                return JSONResponse({"message": "this request is not understood"}, status_code=400)
            except Exception as error:  # nobody reads a stack trace on a page
                _log.warning("a request failed: %s: %s", type(error).__name__, error, exc_info=True)
                return JSONResponse({"message": UNEXPECTED}, status_code=500)

        return answer

    def _gallery(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        return self.gallery.to_dict() | {
            "tasks": [*self._tasks, *self.gallery.tasks()],
            "has_runs": self.runs.root is not None,
        }

    def _picture(self, request: Request, body: dict[str, Any]) -> Response:
        return Response(self.gallery.picture(request.path_params["key"]), media_type="image/png")

    def _runs(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        return {"runs": self.runs.all(), "root": str(self.runs.root or "")}

    def _curves(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        asked = request.query_params
        smoothing, apart = int(asked.get("smoothing", "5")), "apart" in asked
        return self.runs.curves(asked.getlist("run"), asked.get("metric", ""), smoothing, apart=apart)

    def _run(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        name = request.query_params["run"]
        folder = self.runs.folder(name)
        told: dict[str, Any] = {"name": name, "videos": self.runs.videos(name), "suites": [], "table": None, "note": ""}
        try:
            config = resume_config(folder, for_evaluation=True)
            told |= {"suites": suites_of(config), "task": config.task_ids[0]}
        except GroundlingError as error:
            told["note"] = in_words(error)
        try:
            told["table"] = self.runs.suites(name)
        except GroundlingError as error:
            told["table_note"] = in_words(error).replace(str(folder), name)
        return told

    def _failures(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        name, suite = str(body["run"]), str(body.get("suite", "layout"))
        config = resume_config(self.runs.folder(name), for_evaluation=True)
        episodes = int(body.get("episodes", EPISODES))
        return find_failures(self.cast, RUN + name, config, suite=suite, episodes=episodes)

    def _compare(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        return self.runs.compare(request.query_params["a"], request.query_params["b"])

    def _video(self, request: Request, body: dict[str, Any]) -> Response:
        return FileResponse(self.runs.video(request.query_params["run"], request.query_params["path"]))

    def _labels(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        return self.labels.describe(request.query_params["run"])

    def _label(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        name = str(body["run"])
        if "choice" in body:
            return self.labels.choose(name, int(body["pair"]), str(body["choice"]))
        return self.labels.make(name, int(body.get("pairs", PAIRS)), int(body.get("seed", 0)))

    def _label_video(self, request: Request, body: dict[str, Any]) -> Response:
        asked = request.query_params
        return FileResponse(self.labels.video(asked["run"], int(asked["pair"]), asked["side"]))


def _as_json(found: Any) -> Response:
    """An answer of plain values.

    Raises:
        RuntimeError: if it is none, such as one with numbers that are not finite: that is no mistake of who asks.
    """
    try:
        return JSONResponse(found)
    except (ValueError, TypeError) as error:
        raise RuntimeError(f"the answer is no JSON: {error}") from error


async def _body_of(request: Request) -> dict[str, Any]:
    """The JSON object of a request.

    Raises:
        PlaygroundError: if it is none, or too large.
    """
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > MOST_BODY:
            raise PlaygroundError("this request is too large")
    found = json.loads(content)
    if not isinstance(found, dict):
        raise PlaygroundError("this request is not understood")
    return found
