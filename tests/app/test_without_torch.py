"""Inspect on a fresh install: a result at once, in a process that never loads torch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rnnlab.view.language.i18n import LANGUAGES

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import sys
from streamlit.testing.v1 import AppTest

app = AppTest.from_file("streamlit_app.py", default_timeout=60)
app.query_params["lang"] = sys.argv[1]
app.run()
for view in ("next", "dependence", "states"):
    app.query_params["view"] = view
    app.switch_page("pages/inspect.py").run()
    assert not app.exception, app.exception
    assert not app.error, [error.value for error in app.error]
    assert app.get("bidi_component"), "no text is drawn"
    assert bool(app.get("vega_lite_chart")) == (view != "dependence")
    app.switch_page("pages/home.py").run()
print("torch" in sys.modules)
"""


@pytest.mark.parametrize("lang", LANGUAGES)
def test_inspect_needs_no_torch(tmp_path: Path, lang: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "RNNLAB_DATA"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, lang],
        cwd=ROOT,
        env=environment | {"RNNLAB_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["False"]
