"""A new setting needs only its field, its texts in two languages, and its effect in the engine.

A copy of the project gets an additional field, which the engine ignores, and its texts; the tests then check every
place where a setting appears.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
FIELD = '    patience: Annotated[bool, Setting("optimizer", needs={"cell": ("gru",)}, costs=True)] = False\n'
BEFORE = '    @field_validator("prefixes", mode="before")\n'  # the line after the last field
WORDS = {
    "en": {"field.patience": "Patience", "help.patience": "Waits.", "summary.patience": "patient"},
    "zh": {"field.patience": "耐心", "help.patience": "等待。", "summary.patience": "有耐心"},
}

# this program runs in a separate process in the copy and prints its results
QUESTIONS = r"""
import json, os
from pathlib import Path
from streamlit.testing.v1 import AppTest
from rnnlab import config
from rnnlab.config import TrainConfig, in_section
from rnnlab.errors import ConfigError
from rnnlab.recipes import RECIPES
from rnnlab.runs.admission import cost_shape
from rnnlab.view.compare.measures import differences
from rnnlab.view.compare.sentences import rung_text
from rnnlab.recipes import rungs
from rnnlab.view.data import recorded
from rnnlab.view.language.i18n import LANGUAGES, error_text
from rnnlab.view.language.settings import changes_text, no_effect_text, summary
from rnnlab.view.language.tips import tip

base = RECIPES["A4"].config
patient = base.change_from_text({"patience": "on"})
try:
    base.change_from_text({"patience": "perhaps"})
except ConfigError as error:
    refusal = error

def page(lang):
    app = AppTest.from_file(str(Path("streamlit_app.py").absolute()), default_timeout=60)
    app.context = {"locale": "en-US"}
    app.query_params["lang"] = lang
    app.run()
    app.query_params["recipe"], app.query_params["patience"] = "A4", "true"
    app.session_state["folded.setup.optimizer"] = True
    app.switch_page("pages/train.py").run()
    switch = lambda: next(toggle for toggle in app.toggle if (toggle.key or "").startswith("setup.patience."))
    def words():
        assert not app.exception, app.exception
        return "\n".join(str(element.value) for kind in ("markdown", "caption", "error") for element in app.get(kind))
    found = {"label": switch().label, "help": switch().help, "value": switch().value, "words": words()}
    switches = [toggle.label for toggle in app.sidebar.toggle]
    found |= {"last": switches[-1], "url": dict(app.query_params)}
    switch().set_value(False).run()
    found |= {"words_off": words(), "url_off": dict(app.query_params)}
    switch().set_value(True).run()
    cell = next(element for element in app.get("button_group") if (element.key or "").startswith("setup.cell."))
    cell.set_value("rnn").run()
    return found | {"words_rnn": words(), "url_rnn": dict(app.query_params)}

print(json.dumps({
    "section": in_section("optimizer"),
    "json": json.loads(patient.to_json())["patience"],
    "older": TrainConfig.from_json("{}").patience,
    "recordings": [recorded.recording(name).config.patience for name in recorded.names()],
    "url": patient.changes_from(base),
    "back": base.change_from_text(patient.changes_from(base)) == patient,
    "refusal": str(refusal),
    "refusals": {lang: error_text(refusal, lang) for lang in LANGUAGES},
    "acts": [patient.acts("patience"), patient.change(cell="rnn").acts("patience")],
    "needs": config.SETTINGS["patience"].needs_text(),
    "shapes": [cost_shape(base), cost_shape(patient)],
    "differences": differences([base, patient]),
    "rungs": [rung_text(rung, "en") for rung in rungs(base, patient)],
    "changes": {lang: changes_text(patient, base, lang) for lang in LANGUAGES},
    "summary": {lang: summary(patient, lang) for lang in LANGUAGES},
    "plain": summary(base, "en"),
    "another": RECIPES["A4"].matches(patient),
    "no_effect": {lang: no_effect_text("patience", lang) for lang in LANGUAGES},
    "tips": {lang: tip("patience", lang) for lang in LANGUAGES},
    "pages": {lang: page(lang) for lang in LANGUAGES},
}), flush=True)
os._exit(0)
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the project with an additional setting: one line of code and its texts."""
    copy = tmp_path_factory.mktemp("project")
    for name in ("rnnlab", "pages", ".streamlit"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "streamlit_app.py", copy)
    source = copy / "rnnlab" / "config.py"
    text = source.read_text(encoding="utf-8")
    assert text.count(BEFORE) == 1
    source.write_text(text.replace(BEFORE, FIELD + BEFORE), encoding="utf-8")
    for lang, words in WORDS.items():
        catalogue = copy / "rnnlab" / "view" / "language" / "locale" / lang / "language.json"
        entries = json.loads(catalogue.read_text(encoding="utf-8"))
        catalogue.write_text(json.dumps(entries | words), encoding="utf-8")
    return copy


def start(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=project,
        env={**os.environ, "RNNLAB_HOME": str(project / "home"), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def found(project: Path) -> dict[str, Any]:
    """Return the results from the copy."""
    done = start(project, "-c", QUESTIONS)
    assert done.returncode == 0, done.stderr[-3000:]
    answers: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answers


def test_it_is_kept_and_older_configurations_stay_valid(found: dict[str, Any]) -> None:
    assert found["json"] is True
    assert found["older"] is False
    assert found["recordings"]
    assert not any(found["recordings"])


def test_it_goes_through_text_and_back(found: dict[str, Any]) -> None:
    assert found["url"] == {"patience": "true"}
    assert found["back"] is True
    assert "patience" in found["refusal"]
    assert "true, false" in found["refusal"]
    assert "Patience (patience)" in found["refusals"]["en"]
    assert "耐心 (patience)" in found["refusals"]["zh"]


def test_estimates_comparisons_and_experiments_distinguish_it(found: dict[str, Any]) -> None:
    plain, patient = found["shapes"]
    assert json.loads(patient) == json.loads(plain) | {"patience": True}
    assert found["differences"] == {"patience": [False, True]}
    assert found["rungs"][1] == "Patience: yes"
    assert found["another"] is False


def test_its_texts_appear_in_both_languages(found: dict[str, Any]) -> None:
    assert found["changes"] == {"en": "Patience yes (was no)", "zh": "耐心：是（原为 否）"}
    assert "patient" in found["summary"]["en"].split(" · ")
    assert "有耐心" in found["summary"]["zh"].split(" · ")
    assert "patient" not in found["plain"]
    assert found["tips"] == {"en": "Waits.", "zh": "等待。"}


def test_it_is_known_where_it_has_no_effect(found: dict[str, Any]) -> None:
    assert found["acts"] == [True, False]
    assert found["needs"] == "cell=gru"
    assert "GRU" in found["no_effect"]["en"]
    assert "GRU" in found["no_effect"]["zh"]


@pytest.mark.parametrize("lang", WORDS)
def test_the_form_of_train_has_it(found: dict[str, Any], lang: str) -> None:
    page, words = found["pages"][lang], WORDS[lang]
    assert found["section"][-1] == "patience"
    assert (page["label"], page["help"], page["value"]) == (words["field.patience"], words["help.patience"], True)
    assert words["summary.patience"] in page["words"]
    assert found["changes"][lang] in page["words"]
    # the URL follows the switch
    assert page["url"]["patience"] in ("true", ["true"])
    assert "patience" not in page["url_off"]
    assert words["summary.patience"] not in page["words_off"]
    # with a cell for which it has no effect
    assert found["no_effect"][lang] in page["words_rnn"]
    assert found["no_effect"][lang] not in page["words"]
    assert page["url_rnn"]["patience"] in ("true", ["true"])


def test_the_shell_takes_it(project: Path) -> None:
    refused = start(project, "-m", "rnnlab", "train", "A4", "--set", "patience=perhaps")
    assert refused.returncode == 2
    assert "true, false" in refused.stderr
    unknown = start(project, "-m", "rnnlab", "train", "A4", "--set", "patient=true")
    assert "patience" in unknown.stderr
    listed = json.loads(start(project, "-m", "rnnlab", "recipes", "--json").stdout)
    assert all(recipe["patience"] is False for recipe in listed)
