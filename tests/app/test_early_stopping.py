"""A run that stopped early, on the pages and in the shell."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from rnnlab.cli.main import main
from rnnlab.runs.client import Client
from rnnlab.view.language.i18n import LANGUAGES, plain, t
from rnnlab.view.language.numbers import number
from tests.app.conftest import Open, setting, unfold, widget, words
from tests.made import PATIENT, finish
from tests.runs.lab import events, pause, step, until_event, until_state


@pytest.fixture(scope="module")
def early(client: Client) -> str:
    return finish(client, client.create(PATIENT))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_says_why_it_ended_and_which_weights_are_kept(
    early: str, client: Client, open_page: Open, lang: str
) -> None:
    best = client.store.best_epoch(early)
    app = open_page("train", lang, run=early)
    assert not app.exception
    lowest = next(e.held_out_perplexity for e in events(client, early, "epoch_finished") if e.epoch == best)
    note = t("state.early.note", lang, epoch=best, perplexity=number(lowest, 4))
    assert plain(note) in words(app)
    # the best network is offered where networks are asked
    slider = widget(open_page("inspect", lang, run=early), "select_slider", "inspect.epoch")
    assert slider.options[slider.value] == t("inspect.best", lang, epoch=best)


def test_inspect_keeps_another_checkpoint_in_its_address(early: str, client: Client, open_page: Open) -> None:
    app = open_page("inspect", run=early)
    assert "epoch" not in app.query_params
    slider = widget(app, "select_slider", "inspect.epoch")
    slider.set_value(len(slider.options) - 1).run()
    assert app.query_params["epoch"] == str(client.store.run(early).epoch)
    slider = widget(app, "select_slider", "inspect.epoch")
    slider.set_value(slider.options.index(f"{client.store.best_epoch(early)} (best)")).run()
    assert "epoch" not in app.query_params


def test_within_an_epoch_the_newest_can_be_chosen(client: Client, open_page: Open) -> None:
    run_id = client.create(PATIENT.change(early_stopping=100, num_epochs=10_000))
    until_event(client, run_id, lambda event: event.kind == "checkpoint_saved" and event.best)
    pause(client, run_id)
    step(client, run_id, "minibatch")
    client.stop(run_id)
    until_state(client, run_id, "stopped")
    app = open_page("inspect", run=run_id)
    slider = widget(app, "select_slider", "inspect.epoch")
    assert slider.options[-1] == t("inspect.newest", "en")
    slider.set_value(len(slider.options) - 1).run()
    assert app.query_params["epoch"] == "newest"
    again = open_page("inspect", run=run_id, epoch="newest")
    assert not again.info
    slider = widget(again, "select_slider", "inspect.epoch")
    assert slider.value == len(slider.options) - 1


def test_the_form_has_it_and_names_the_conflict(open_page: Open) -> None:
    app = open_page("train")
    unfold(app)
    setting(app, "early_stopping").set_value(4).run()
    assert app.query_params["early_stopping"] == "4"
    setting(app, "held_out_period").set_value(0).run()
    assert any(t("error.config_conflict_early_stopping", "en") in error.value for error in app.error)


def test_the_shell_says_it_and_writes_with_the_best_weights(early: str, client: Client) -> None:
    settings = [f"--set={name}={value}" for name, value in PATIENT.changes_from(PATIENT.make()).items()]
    result = CliRunner().invoke(main, ["train", "A2", *settings])
    assert result.exit_code == 0, result.output
    run_id = client.store.runs(limit=1)[0].id
    epoch, best = client.store.run(run_id).epoch, client.store.best_epoch(run_id)
    assert (epoch, best) == (client.store.run(early).epoch, client.store.best_epoch(early))
    said = f"Stopped early after epoch {epoch}: the held-out perplexity was lowest after epoch {best}."
    assert said in result.stderr
    by_name, by_number, last = (
        CliRunner().invoke(main, ["generate", run_id, "the", *option]).stdout
        for option in (["--epoch", "best"], ["--epoch", str(best)], [])
    )
    assert by_name == by_number != last


@pytest.mark.parametrize("lang", LANGUAGES)
def test_diagnose_has_the_sample_that_was_measured_during_training(
    early: str, client: Client, open_page: Open, lang: str
) -> None:
    best = client.store.best_epoch(early)
    lowest = next(e.held_out_perplexity for e in events(client, early, "epoch_finished") if e.epoch == best)
    app = open_page("diagnose", lang, run=early, topic="overfitting")
    assert not app.exception
    assert t("find.over.sample", lang, epoch=best, perplexity=number(lowest, 4)) in words(app)
