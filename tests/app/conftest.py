"""Runs for the page tests: a real supervisor in a temporary home, and small runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from rnnlab.runs.client import Client
from rnnlab.view.page import session
from tests.made import LYRICS as TINY
from tests.made import finish
from tests.runs.lab import pause, step, until_state

ENTRY = str(Path(__file__).parents[2] / "streamlit_app.py")

Open = Callable[..., AppTest]


@pytest.fixture(scope="package")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home for all runs of these tests; the server knows only the texts of the project."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("RNNLAB_HOME", str(folder))
        environment.delenv("RNNLAB_DATA", raising=False)
        session.connection.release()
        session.facts.release()
        yield folder
        session.connection.release()
        session.facts.release()


@pytest.fixture(scope="package")
def client(home: Path) -> Client:
    """The client of the page server."""
    server = session.connection()
    server.connect()
    return server


@pytest.fixture(scope="package")
def finished(client: Client) -> str:
    """A finished run."""
    return finish(client, client.create(TINY, based_on="A2"))


@pytest.fixture
def paused(client: Client) -> Iterator[str]:
    """A run paused after its second epoch."""
    with paused_after(client, 2) as run_id:
        yield run_id


@pytest.fixture
def open_page(home: Path) -> Open:
    """Open a page of the app as a browser would, with a language and parameters in the URL."""
    return open_app


def open_app(page: str = "home", lang: str | None = "en", locale: str = "en-US", **parameters: str) -> AppTest:
    """Open a page of the app as `open_page` does, in the home that is set."""
    app = AppTest.from_file(ENTRY, default_timeout=30)
    app.context = {"locale": locale}  # type: ignore[assignment]
    for name, value in (parameters | ({"lang": lang} if lang else {})).items():
        app.query_params[name] = value
    if page != "home":
        app.switch_page(f"pages/{page}.py")
    return app.run()


@contextmanager
def paused_after(client: Client, epoch: int) -> Iterator[str]:
    """Start a long run and pause it after `epoch` epochs, or some more on a busy machine; stop it in the end."""
    run_id = client.create(TINY.change(num_epochs=500), based_on="A2")
    until_state(client, run_id, "running")
    record = pause(client, run_id)
    while record.epoch < epoch:
        record = step(client, run_id)
    yield run_id
    if client.store.run(run_id).live:
        client.stop(run_id)


def words(app: AppTest) -> str:
    """Return the texts of a page, joined."""
    kinds = ("title", "header", "subheader", "markdown", "caption", "error", "warning", "info", "metric", "html")
    elements = [element for kind in kinds for element in app.get(kind)]
    return "\n".join(str(getattr(element, "value", "") or getattr(element.proto, "body", "")) for element in elements)


def setting(app: AppTest, name: str) -> Any:
    """Return the widget of a setting in the sidebar, after unfolding its section."""
    if not any(_is(widget, name) for widget in widgets(app)):
        unfold(app)
    return next(widget for widget in widgets(app) if _is(widget, name))


def widgets(app: AppTest) -> list[Any]:
    """Return the widgets that can belong to settings."""
    kinds = ("selectbox", "segmented_control", "number_input", "slider", "toggle", "text_input")
    return [widget for kind in kinds for widget in app.get(kind)]


def widget(app: AppTest, kind: str, name: str) -> Any:
    """Return the widget of a `kind` whose key begins with `name`, in any edition and language."""
    return next(widget for widget in app.get(kind) if (widget.key or "").startswith(f"{name}."))


def _is(widget: Any, name: str) -> bool:
    return (widget.key or "").startswith(f"setup.{name}.")


def unfold(app: AppTest, unfolded: bool = True) -> None:
    """Open or close all folded sections and popovers."""
    keys = [section.proto.id.split("-", 2)[2] for section in app.expander if section.proto.id]
    for key in keys:
        app.session_state[key] = unfolded
    if keys:
        app.run()


def section(app: AppTest, name: str) -> None:
    """Open a section of the Train page."""
    key = next(key for key in ("train.section.zh", "train.section.en") if key in [w.key for w in app.segmented_control])
    app.segmented_control(key=key).set_value(name).run()


def param(app: AppTest, name: str) -> str:
    """Return a parameter of the URL."""
    value = app.query_params[name]
    return value if isinstance(value, str) else value[0]
