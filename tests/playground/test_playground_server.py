"""The playground's server: who may ask, tabs and what they leave behind, runs, comparisons, preferences."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from groundling.cli import main
from groundling.envs.catalog import find_family
from groundling.errors import ConfigurationError, StorageError
from groundling.eval.recording import save_video
from groundling.playground.errors import PlaygroundError
from groundling.playground.security import REFUSED, hosts_for, inside, is_loopback
from groundling.training.preferences.comparisons import EQUAL, FIRST, SECOND, Comparisons
from groundling.trust import name_code, trusting_code

starlette = pytest.importorskip("starlette", reason="the playground needs groundling[playground]")
pytest.importorskip("httpx2", reason="the tests of the server need httpx2")

from starlette.testclient import TestClient  # noqa: E402
from starlette.websockets import WebSocketDisconnect  # noqa: E402

from groundling.cli.playground import listen  # noqa: E402
from groundling.playground import labels, tabs  # noqa: E402
from groundling.playground.server import Playground  # noqa: E402

TASK = "BabyAI-GoToObjS4-v0"
HERE = "http://127.0.0.1:8765"
TAB = "ws://127.0.0.1:8765/tab"
NO_VIDEO = "there is no such video"
LEADS_OUT = "this path leads out of its folder"
OWN_TASK = """
from groundling.envs import Task
from groundling.language import PickUp


class Mine(Task):
    room_size = 6

    def sample(self, world, rng):
        thing = world.add("ball", "red")
        world.place_agent()
        return PickUp(world.describe(thing))
"""


@pytest.fixture(scope="module")
def playground(root: Path) -> Playground:
    return Playground(root)


@pytest.fixture(scope="module")
def client(playground: Playground) -> Iterator[TestClient]:
    with TestClient(playground.app(), base_url=HERE) as made:
        yield made


def asked(client: TestClient, path: str, status: int = 200, **parameters: Any) -> Any:
    answer = client.get(f"/api/{path}", params=parameters)
    assert answer.status_code == status, answer.text
    return answer.json()


def refused(client: TestClient, path: str, **parameters: Any) -> str:
    message: str = asked(client, path, 400, **parameters)["message"]
    assert "\n" not in message
    return message


# ---------------------------------------------------------------------------------------------- who may ask


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8765", "", "127.0.0.1.evil.example", "0x7f.1", "[::1", "[x]"]
)
def test_a_name_that_is_not_this_machines_is_refused(client: TestClient, host: str) -> None:
    answer = client.get("/", headers={"host": host})
    assert answer.status_code == 403
    assert "<html" not in answer.text


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost:8765", "[::1]:8765", "LOCALHOST"])
def test_this_machine_is_answered_with_headers_that_let_nothing_else_in(client: TestClient, host: str) -> None:
    answer = client.get("/", headers={"host": host})
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy, "nothing is loaded from elsewhere"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "http://[::1"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_pages_of_other_sites_read_nothing_and_change_nothing(client: TestClient, headers: dict[str, str]) -> None:
    assert client.get("/api/runs", headers=headers).status_code == 403
    assert client.post("/api/labels", json={"run": "seed1"}, headers=headers).status_code == 403


@pytest.mark.parametrize("headers", [{"origin": "http://evil.example"}, {"host": "evil.example"}, {"origin": "null"}])
def test_websockets_of_other_sites_are_closed_before_they_open(
    client: TestClient, playground: Playground, headers: dict[str, str]
) -> None:
    with pytest.raises(WebSocketDisconnect) as caught, client.websocket_connect(TAB, headers=headers):
        pass
    assert caught.value.code == REFUSED
    assert not playground.tabs.open


def test_a_link_to_the_page_itself_may_come_from_anywhere(client: TestClient) -> None:
    assert client.get("/", headers={"sec-fetch-site": "cross-site"}).status_code == 200


def test_names_follow_the_host_that_is_listened_on() -> None:
    assert "192.168.1.5" in hosts_for("192.168.1.5")[0]
    assert not hosts_for("127.0.0.1")[1]
    assert hosts_for("0.0.0.0")[1]
    app = Playground(None, "0.0.0.0").app()
    client = TestClient(app, base_url=HERE)
    assert client.get("/", headers={"host": "10.0.0.7:8765"}).status_code == 200
    assert client.get("/", headers={"host": "evil.example"}).status_code == 403
    assert is_loopback("127.0.0.1")
    assert is_loopback("::1")
    assert not is_loopback("0.0.0.0")
    assert not is_loopback("example.org")


def test_it_listens_on_loopback_and_takes_another_port_where_one_is_taken() -> None:
    first, second = listen("127.0.0.1", 0), listen("127.0.0.1", 0)
    try:
        assert first.getsockname()[0] == "127.0.0.1"
        assert second.getsockname()[1] > first.getsockname()[1]
        with pytest.raises(ConfigurationError, match="choose another --port"):
            listen("127.0.0.1", first.getsockname()[1])
    finally:
        first.close()
        second.close()


def test_the_command_serves_nothing_but_loopback_by_default(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    uvicorn = pytest.importorskip("uvicorn")
    served: list[socket.socket] = []
    monkeypatch.setattr(uvicorn.Server, "run", lambda self, sockets: served.extend(sockets))
    assert main(["playground", str(root), "--no-browser"]) == 0
    assert served[0].getsockname()[0] == "127.0.0.1"
    served[0].close()
    told = capsys.readouterr().out
    assert "Playground: http://127.0.0.1:" in told
    assert "no password" not in told
    assert main(["playground", str(root), "--no-browser", "--host", "0.0.0.0"]) == 0
    served[1].close()
    assert "no password" in capsys.readouterr().out


@pytest.mark.parametrize(
    "host", ["nohost.invalid", "", " ", "203.0.113.7", "1:2", "a" * 300, "ü" * 70, ".", "127.0.0.1:8765"]
)
def test_a_host_that_is_none_of_this_machines_is_told_so(
    root: Path, host: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    uvicorn = pytest.importorskip("uvicorn")
    monkeypatch.setattr(uvicorn.Server, "run", lambda self, sockets: [one.close() for one in sockets])
    assert main(["playground", str(root), "--no-browser", "--host", host]) != 0
    told = capsys.readouterr()
    assert f"no address {host[:60]!r}" in told.err
    assert "--host" in told.err
    assert "--port" not in told.err
    assert not told.out


def test_runs_that_are_a_file_are_refused_and_a_folder_that_is_missing_is_told(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    uvicorn = pytest.importorskip("uvicorn")
    monkeypatch.setattr(uvicorn.Server, "run", lambda self, sockets: [one.close() for one in sockets])
    file = tmp_path / "a_file"
    file.touch()
    assert main(["playground", str(file), "--no-browser"]) != 0
    assert "is no folder: name the one below which your runs are" in capsys.readouterr().err
    assert main(["playground", str(tmp_path / "later"), "--no-browser"]) == 0
    assert f"There is no folder {tmp_path / 'later'} yet" in capsys.readouterr().out
    assert main(["playground", str(root), "--no-browser"]) == 0
    assert "no folder" not in capsys.readouterr().out


def test_where_no_folder_of_runs_was_named_the_command_that_names_one_is_told() -> None:
    with TestClient(Playground(None).app(), base_url=HERE) as client:
        assert refused(client, "run", run="seed1") == "no folder of runs was named: groundling playground RUNS"


def test_the_help_says_which_code_tasks_make_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["playground", "--help"]) == 0
    told = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "tasks in Python files of your own" in told
    assert "their code is run" in told


# ---------------------------------------------------------------------------------------------- tabs


class Tab:
    """A tab of the tests."""

    def __init__(self, socket: Any) -> None:
        self.socket = socket

    def do(self, kind: str, **more: Any) -> dict[str, Any]:
        self.socket.send_text(json.dumps({"do": kind, **more}))
        answer: dict[str, Any] = self.socket.receive_json()
        return answer


def test_several_tabs_have_worlds_of_their_own_and_a_closed_one_frees_its_world(
    client: TestClient, playground: Playground
) -> None:
    closed: list[Any] = []
    with client.websocket_connect(TAB) as one, client.websocket_connect(TAB) as two:
        first, second = Tab(one), Tab(two)
        first.do("open", entry="instruction")
        second.do("open", scene={"task": TASK, "seed": 3})
        first.do("act", what=0)
        assert first.do("step")["steps"] == 2
        assert second.do("act", what=1)["steps"] == 1
        assert len(playground.tabs.open) == 2
        for tab in playground.tabs.open:
            assert tab.session is not None
            world = tab.session.world
            own = world.close
            world.close = lambda own=own: (closed.append(own), own())  # type: ignore[method-assign]
    wait_until(lambda: len(closed) == 2)
    assert not playground.tabs.open


def wait_until(holds: Any) -> None:
    waited = threading.Event()
    for _ in range(200):
        if holds():
            return
        waited.wait(0.05)
    assert holds()


def test_a_tab_is_told_in_a_sentence_what_does_not_work_and_goes_on(client: TestClient) -> None:
    with client.websocket_connect(TAB) as socket:
        tab = Tab(socket)
        assert tab.do("step")["message"] == "open a world first"
        assert "no task" not in tab.do("open", scene={"task": "BabyAI-GoToLocl-v0", "seed": 0})["message"]
        assert tab.do("open", scene={"task": TASK, "seed": "x"})["kind"] == "refusal"
        assert tab.do("open", scene={"task": TASK, "seed": 3})["kind"] == "state"
        told = tab.do("say", text="pick up the crimsn ball")
        assert told["kind"] == "refusal"
        assert told["unknown"][0][0] == "crimsn"
        assert tab.do("say", text={"a": 1})["kind"] == "refusal"
        assert "reload" in tab.do("dance")["message"]
        for text in ("no json", "[]", '"' + "a" * (1 << 19) + '"', "[" * 100_000):
            socket.send_text(text)
            assert socket.receive_json()["kind"] == "refusal"
        assert tab.do("seed", what=-4)["kind"] == "refusal"
        assert tab.do("seed", what=4)["scene"]["seed"] == 4
        assert tab.do("expert")["hint"] is not None
        assert tab.do("expert_step")["steps"] == 1
        assert tab.do("undo")["steps"] == 0
        assert tab.do("first_person", what=True)["is_first_person"]


def test_a_mistake_of_ours_ends_no_tab(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*arguments: Any, **more: Any) -> Any:
        raise RuntimeError("secret detail")

    with client.websocket_connect(TAB) as socket:
        tab = Tab(socket)
        with monkeypatch.context() as patch:
            patch.setattr(tabs, "state_of", fails)
            told = tab.do("open", scene={"task": TASK, "seed": 3})
        assert told["message"] == tabs.UNEXPECTED
        assert "secret" not in json.dumps(told)
        assert tab.do("act", what=0)["steps"] == 1


def test_a_request_that_fails_by_a_mistake_of_ours_is_told_so_and_logged(
    root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*arguments: Any, **more: Any) -> Any:
        raise RuntimeError("secret detail")

    own = Playground(root)
    monkeypatch.setattr(own.runs, "all", fails)
    with TestClient(own.app(), base_url=HERE) as client:
        assert asked(client, "runs", 500) == {"message": tabs.UNEXPECTED}
    assert "secret detail" in caplog.text
    monkeypatch.setattr(own.runs, "all", lambda: [float("nan")])
    with TestClient(own.app(), base_url=HERE) as client:
        assert asked(client, "runs", 500) == {"message": tabs.UNEXPECTED}
    assert "no JSON" in caplog.text


def test_messages_that_no_page_sends_end_no_tab(client: TestClient) -> None:
    with client.websocket_connect(TAB) as socket:
        tab = Tab(socket)
        tab.do("open", scene={"task": TASK, "seed": 3})
        socket.send_bytes(b'{"do": "step"}')
        assert "reload" in socket.receive_json()["message"]
        half = "\\ud800"  # of a character
        for text in (
            f'{{"do": "say", "text": "go to {half}"}}',
            f'{{"do": "{half}"}}',
            f'{{"do": "open", "scene": {{"task": "{half}"}}}}',
            '{"do": "act", "what": NaN}',
        ):
            socket.send_text(text)
            assert "reload" in socket.receive_json()["message"]
        for number in (f'"{half}"', "NaN", "1e400", "[1]", "true", '"1"'):
            socket.send_text(f'{{"do": "act", "what": 0, "number": {number}}}')
            assert socket.receive_json().get("number") is None
        assert tab.do("act", what=0, number=7)["number"] == 7


def test_several_steps_in_one_message_end_with_the_episode(client: TestClient) -> None:
    with client.websocket_connect(TAB) as socket:
        tab = Tab(socket)
        limit = tab.do("open", scene={"task": TASK, "seed": 3})["limit"]
        assert limit % 5, "the end is within a message"
        for number in range(1, limit // 5 + 1):
            assert tab.do("act", what=0, times=5)["steps"] == 5 * number
        told = tab.do("act", what=0, times=5)
        assert told["kind"] == "state", told
        assert told["steps"] == limit
        assert told["ending"] is not None
        assert "over" in tab.do("act", what=0, times=5)["message"]


def test_ids_that_are_too_long_are_refused_and_not_told_back(client: TestClient) -> None:
    long = "x" * 301
    with client.websocket_connect(TAB) as socket:
        tab = Tab(socket)
        tab.do("open", scene={"task": TASK, "seed": 3})
        for told in (
            tab.do("open", scene={"task": long, "seed": 0}),
            tab.do("open", scene={"task": TASK, "agent": f"shipped:{long}"}),
            tab.do("agent", what=f"run:{long}"),
        ):
            assert told["kind"] == "refusal"
            assert "300 characters" in told["message"]
            assert long not in json.dumps(told)
        assert "there is no agent" in tab.do("agent", what="run:" + long[:200])["message"]


def test_there_are_not_more_tabs_than_the_machine_bears(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tabs, "MOST_TABS", 1)
    with client.websocket_connect(TAB) as one, client.websocket_connect(TAB) as two:
        Tab(one).do("open", entry="instruction")
        assert "close one first" in two.receive_json()["message"]


def test_a_link_that_names_code_runs_none(client: TestClient, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    code = tmp_path / "theirs.py"
    code.write_text(f"import pathlib; pathlib.Path({str(mark)!r}).touch()\n")
    with client.websocket_connect(TAB) as socket:
        for task in (f"{code}:Task", f"{TASK}?python={code}"):
            assert Tab(socket).do("open", scene={"task": task, "seed": 0})["kind"] == "refusal"
    assert not mark.exists()


def test_code_that_only_a_link_names_is_not_run_even_with_trust(client: TestClient, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    evil, own, of_run = (tmp_path / f"{name}.py" for name in ("evil", "own", "of_run"))
    evil.write_text(f"import pathlib; pathlib.Path({str(mark)!r}).touch()\n")
    for file in (own, of_run):
        file.write_text(OWN_TASK)
    name_code(f"{own}:Mine")
    with trusting_code(), client.websocket_connect(TAB) as socket:
        for task in (f"{evil}:Task", f"gym:{evil}:Env-v0", f"{TASK}?python={evil}"):
            told = Tab(socket).do("open", scene={"task": task, "seed": 0})
            assert told["message"].startswith("a link names code"), told
            Tab(socket).do("open", scene={"task": TASK, "seed": 0, "agent": f"run:{task}"})
        assert not mark.exists()
        assert Tab(socket).do("open", scene={"task": f"{of_run}:Mine", "seed": 0})["kind"] == "refusal"
        find_family(f"{of_run}:Mine")  # as the agent of a run does when it is loaded
        for file in (own, of_run):
            assert Tab(socket).do("open", scene={"task": f"{file}:Mine", "seed": 0})["kind"] == "state"


# ---------------------------------------------------------------------------------------------- gallery and runs


def test_the_gallery_has_pictures_and_every_file_of_the_page_is_there(client: TestClient) -> None:
    told = asked(client, "gallery")
    assert {"Instruction", "First person", "Question", "Manual"} <= {entry["kind"] for entry in told["entries"]}
    assert TASK in told["tasks"]
    picture = client.get("/api/gallery/instruction.png")
    assert picture.content[:4] == b"\x89PNG"
    assert client.get("/api/gallery/none.png").status_code == 400
    page = client.get("/").text
    for name in ("main.js", "style.css", "pages.css", "icon.svg"):
        assert f"/static/{name}" in page
        assert client.get(f"/static/{name}").status_code == 200
    assert "//" not in page.replace("http://www.w3.org", ""), "nothing is loaded from elsewhere"


def test_runs_are_listed_with_curves_of_their_seeds_and_an_interval(client: TestClient) -> None:
    runs = asked(client, "runs")["runs"]
    assert sorted(run["name"] for run in runs) == ["seed1", "seed2"]
    assert all(run["is_evaluated"] and run["has_agent"] and not run["is_live"] for run in runs)
    curves = asked(client, "curves", run=["seed1", "seed2"], metric="return")
    (curve,) = curves["curves"]
    assert curve["runs"] == 2
    assert all(low <= mean <= high for low, mean, high in zip(curve["low"], curve["mean"], curve["high"], strict=True))
    assert len(curves["singles"]) == 2
    apart = asked(client, "curves", run=["seed1", "seed2"], metric="return", apart=1)
    assert [curve["name"] for curve in apart["curves"]] == ["seed1", "seed2"]
    assert "no run has a metric" in refused(client, "curves", run="seed1", metric="nonsense")
    assert "choose one to" in refused(client, "curves")


def test_a_run_tells_its_suites_as_it_was_evaluated_and_has_videos(client: TestClient) -> None:
    told = asked(client, "run", run="seed1")
    kept = json.loads((Path(told_root(client)) / "seed1" / "evaluation.json").read_text())["suites"]
    for row in told["table"]["rows"]:
        assert row["cells"]["trained"]["success"] == pytest.approx(kept[row["suite"]]["trained"]["success"])
    assert told["videos"] == ["watch.mp4"]
    video = client.get("/api/video", params={"run": "seed1", "path": "watch.mp4"})
    assert video.headers["content-type"] == "video/mp4"
    part = client.get("/api/video", params={"run": "seed1", "path": "watch.mp4"}, headers={"range": "bytes=0-9"})
    assert part.status_code == 206


def told_root(client: TestClient) -> str:
    return str(asked(client, "runs")["root"])


def test_two_runs_are_compared(client: TestClient) -> None:
    told = asked(client, "compare", a="seed1", b="seed2")
    assert told["rows"]
    row = told["rows"][0]
    assert row["difference"]["value"] == pytest.approx(row["b"]["value"] - row["a"]["value"])
    assert len(told["marks"]) == len(told["rows"])
    assert refused(client, "compare", a="seed1", b="seed9") == "there is no run 'seed9'"


def test_failures_are_found_and_fail_again_when_they_are_played_again(
    client: TestClient, playground: Playground
) -> None:
    told = client.post("/api/failures", json={"run": "seed1", "episodes": 12}).json()
    assert told["played"] == 12
    assert told["failures"], "an agent that is hardly trained fails sometimes"
    failure = told["failures"][0]
    with client.websocket_connect(TAB) as socket:
        tab = Tab(socket)
        state = tab.do("open", scene=failure["scene"])
        assert not state["ending"]["success"]
        assert state["steps"] == failure["steps"]
        again = tab.do("open", scene={**failure["scene"], "events": []})
        while again["ending"] is None:
            again = tab.do("step")
        assert again["steps"] == failure["steps"]
    answer = client.post("/api/failures", json={"run": "seed1", "episodes": 10**9})
    assert answer.status_code == 400
    assert "episodes are played" in answer.json()["message"]


def video_refused(client: TestClient, run: str, path: str) -> str:
    answer = client.get("/api/video", params={"run": run, "path": path})
    assert answer.status_code == 400
    return str(answer.json()["message"])


def test_no_path_leads_out_of_the_folder_of_the_runs(client: TestClient, root: Path) -> None:
    outside = root.parent / "outside"
    assert (outside / "metrics.jsonl").is_file(), "it would be a run, if it were inside"
    for name in ("..", "../outside", str(outside), "/etc", "seed1/../../outside", "../runs/../outside"):
        for path in ("run", "curves", "labels"):
            assert refused(client, path, run=name) == LEADS_OUT
        assert refused(client, "compare", a="seed1", b=name) == LEADS_OUT
        assert video_refused(client, name, "watch.mp4") == LEADS_OUT
        for body in ({}, {"pair": 0, "choice": "first"}):
            assert client.post("/api/labels", json={"run": name, **body}).json()["message"] == LEADS_OUT
    for path in ("../../outside/watch.mp4", str(outside / "watch.mp4"), "../seed2/../../outside/watch.mp4"):
        assert video_refused(client, "seed1", path) == LEADS_OUT


def test_what_is_no_run_or_no_video_is_not_shown(client: TestClient) -> None:
    for name, told in (("seed1/\0", "this is no path"), ("%2e%2e", "no run"), ("", "no run"), ("a" * 2000, "no path")):
        assert told in refused(client, "run", run=name)
    for path, told in (("config.json", NO_VIDEO), ("", NO_VIDEO), ("\0", "this is no path")):
        assert video_refused(client, "seed1", path) == told


@pytest.mark.parametrize(
    "path", ["/static/%2e%2e/server.py", "/static/..%2fserver.py", "/static/%2e%2e%2f%2e%2e%2ferrors.py"]
)
def test_no_file_but_those_of_the_page_is_served(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "runs" / "link").symlink_to(tmp_path / "outside")
    with pytest.raises(PlaygroundError, match="leads out"):
        inside(tmp_path / "runs", "link")


def test_a_request_that_is_too_large_or_no_json_is_refused(client: TestClient) -> None:
    for content in (b"x" * (1 << 17), b"no json", b"[]", b"{}", b"[" * 60_000):
        answer = client.post("/api/labels", content=content)
        assert answer.status_code == 400
        assert answer.json()["message"]


def test_preferences_are_labelled_and_written_as_they_were_chosen(client: TestClient, root: Path) -> None:
    assert asked(client, "labels", run="seed2")["pairs"] == []
    pairs = client.post("/api/labels", json={"run": "seed2", "pairs": 2, "seed": 1}).json()["pairs"]
    assert len(pairs) == 2
    video = client.get("/api/labels/video", params={"run": "seed2", "pair": 0, "side": "b"})
    assert video.headers["content-type"] == "video/mp4"
    told = client.post("/api/labels", json={"run": "seed2", "pair": 1, "choice": "first"}).json()
    assert told["pairs"][1]["choice"] == "first"
    written = Comparisons.load(root / "seed2" / "comparisons.npz")
    assert written.label.tolist() == [FIRST]
    assert written.texts == (pairs[1]["text"],)
    assert written.labeller == "a person"
    more = client.post("/api/labels", json={"run": "seed2", "pairs": 3, "seed": 2}).json()["pairs"]
    assert [pair["choice"] for pair in more] == ["", "", ""]
    for number, choice in ((0, "equal"), (2, "first"), (2, "second")):
        client.post("/api/labels", json={"run": "seed2", "pair": number, "choice": choice})
    both = Comparisons.load(root / "seed2" / "comparisons.npz")
    assert both.label.tolist() == [FIRST, EQUAL, SECOND], "what was compared before stays"
    assert both.names()[0] == written.names()[0]
    assert both.texts == (pairs[1]["text"], more[0]["text"], more[2]["text"])
    steps = both.length[0, 0]
    assert np.array_equal(both.observation["image"][0, 0, :steps], written.observation["image"][0, 0, :steps])
    for choice in ("", "first"):
        client.post("/api/labels", json={"run": "seed2", "pair": 2, "choice": choice})
    again = client.post("/api/labels", json={"run": "seed2", "pairs": 2, "seed": 1}).json()["pairs"]
    assert [pair["choice"] for pair in again] == ["", "first"], "the same pair is labelled already"
    kept = Comparisons.load(root / "seed2" / "comparisons.npz")
    assert sorted(kept.names()) == sorted(both.names())
    for wrong in ({"pair": 7, "choice": "first"}, {"pair": 0, "choice": "best"}, {"pairs": 10**6}):
        assert client.post("/api/labels", json={"run": "seed2", **wrong}).status_code == 400


def test_pairs_that_cannot_all_be_made_replace_none(
    client: TestClient, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, label = root / "seed1", root / "seed1" / "label"
    client.post("/api/labels", json={"run": "seed1", "pairs": 1, "seed": 3})
    (label / "notes.txt").write_text("mine")
    before = {path.name: path.read_bytes() for path in label.iterdir()}
    calls = []

    def fails(*arguments: Any, **more: Any) -> int:
        calls.append(save_video(*arguments, **more))
        if len(calls) == 3:
            raise StorageError(28, "the disk is full")
        return calls[-1]

    with monkeypatch.context() as patch:
        patch.setattr(labels, "save_video", fails)
        assert client.post("/api/labels", json={"run": "seed1", "pairs": 2, "seed": 4}).status_code == 400
    assert len(calls) == 3
    assert {path.name: path.read_bytes() for path in label.iterdir()} == before
    assert client.post("/api/labels", json={"run": "seed1", "pairs": 2, "seed": 4}).status_code == 200
    names = {path.name for path in label.iterdir()}
    assert names == {"0000a.mp4", "0000b.mp4", "0001a.mp4", "0001b.mp4", "pairs.npz", "notes.txt"}
    assert not list(run.glob(".label*"))
    assert asked(client, "run", run="seed1")["videos"] == ["watch.mp4"]


def test_pairs_that_another_program_made_are_read_again(client: TestClient, root: Path) -> None:
    client.post("/api/labels", json={"run": "seed1", "pairs": 1, "seed": 5})
    file = root / "seed1" / "label" / "pairs.npz"
    pairs = Comparisons.load(file)
    pairs.with_labels(np.array([SECOND]), "somebody").save(file)
    assert asked(client, "labels", run="seed1")["pairs"][0]["choice"] == "second"
