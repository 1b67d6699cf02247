"""The texts of settings, states and recipes."""

from __future__ import annotations

from collections.abc import Sequence

from rnnlab.config import SETTINGS, TrainConfig
from rnnlab.recipes import RECIPES, Recipe
from rnnlab.setting import as_text
from rnnlab.text import prefixes
from rnnlab.view.language.i18n import has, t
from rnnlab.view.language.numbers import number

CHOICES = tuple(name for name, setting in SETTINGS.items() if setting.widget in ("buttons", "menu"))
"""Settings whose values have texts under the keys ``value.<field>.<value>``."""


def value_text(name: str, value: object, lang: str) -> str:
    """Return the text of the value of the setting `name`."""
    if value is None:
        return t("value.off", lang)
    if isinstance(value, bool):
        return t("value.yes" if value else "value.no", lang)
    if name in CHOICES and has(f"value.{name}.{value}", lang):  # a cell added by an extension has no text
        return t(f"value.{name}.{value}", lang)
    if name == "corpus":
        return corpus_title(str(value), lang)
    if name == "start_from" and not value:
        return t("value.start_from.none", lang)
    if isinstance(value, tuple):
        return t("list.join", lang).join(prefixes.brief(str(item)) for item in value)
    if isinstance(value, float):
        return number(value, 6)
    return str(value)


def corpus_title(name: str, lang: str) -> str:
    """Return the title of a corpus; of an uploaded text, the first digits of its id."""
    if has(f"corpus.{name}", lang):
        return t(f"corpus.{name}", lang)
    return t("corpus.own", lang, name=name.removeprefix("text-")[:6])


_FIRST = ("cell", "activation", "implementation", "num_layers", "bidirectional", "num_hiddens", "objective")
"""The settings that a summary begins with; the others follow in the order of their declaration."""
_ALWAYS = {
    "cell", "implementation", "num_layers", "num_hiddens", "sampling", "optimizer", "clip_norm", "num_epochs",
}  # fmt: skip
"""The settings that a summary mentions even at their defaults."""


def summary(config: TrainConfig, lang: str) -> str:
    """Return a setup in one line: the settings that identify it, and those that differ from their defaults and act.

    Settings without a text are left out; the keys are ``summary.<name>``, or ``summary.<name>.<value>`` for one value.
    """
    mentioned = [name for name in dict.fromkeys((*_FIRST, *SETTINGS)) if _in_summary(name, config, lang)]
    return " · ".join(phrase(name, config, lang) for name in mentioned)


def _in_summary(name: str, config: TrainConfig, lang: str) -> bool:
    if not has(f"summary.{name}", lang) or not config.acts(name):
        return False
    return name in _ALWAYS or getattr(config, name) != TrainConfig.model_fields[name].default


def phrase(name: str, config: TrainConfig, lang: str) -> str:
    """Return the text of a setting in a summary: ``2 layers``, ``SGD 100``, ``no clipping``."""
    key = f"summary.{name}.{as_text(getattr(config, name))}"
    values = {other: value_text(other, getattr(config, other), lang) for other in SETTINGS}
    return t(key if has(key, lang) else f"summary.{name}", lang, **values)


def no_effect_text(name: str, lang: str) -> str:
    """Return the sentence that a setting has no effect, and which values of other settings would give it one."""
    needs = [
        t("no_effect.needs", lang, field=t(f"field.{other}", lang), value=_either(other, values, lang))
        for other, values in SETTINGS[name].needs.items()
    ]
    return t("no_effect", lang, needs=t("list.join", lang).join(needs))


def _either(name: str, values: tuple[object, ...] | range, lang: str) -> str:
    if isinstance(values, range):
        return t("allowed.closed", lang, low=values[0], high=values[-1])
    return t("list.or", lang).join(value_text(name, value, lang) for value in values)


def changes_text(config: TrainConfig, base: TrainConfig, lang: str, own: str | None = None) -> str:
    """Return the differences of `config` from `base`: ``learning rate 50 (was 100), ...``; empty without any.

    Args:
        config: the setup.
        base: the setup to compare with.
        lang: the language.
        own: the title of an uploaded text that `config` trains on.
    """
    parts = [
        t(
            "summary.change",
            lang,
            field=t(f"field.{name}", lang),
            value=own if own and name == "corpus" else value_text(name, getattr(config, name), lang),
            base=value_text(name, getattr(base, name), lang),
        )
        for name in config.changes_from(base)
    ]
    return t("list.join", lang).join(parts)


def recipe_title(recipe: Recipe, lang: str) -> str:
    """Return the title of an experiment."""
    if has(recipe.title_key, lang):
        return t(recipe.title_key, lang)
    if recipe.repairs:
        return t("recipe.repaired.title", lang, title=recipe_title(RECIPES[recipe.repairs], lang))
    base = RECIPES[recipe.derived_from or "A2"]
    return t("recipe.X1.variant", lang, changes=changes_text(recipe.config, base.config, lang))


def recipe_label(recipe: Recipe, lang: str) -> str:
    """Return the id and the title of an experiment."""
    return f"{recipe.id} · {recipe_title(recipe, lang)}"


def departure(
    recipe: Recipe, config: TrainConfig, lang: str, on_the_way: Sequence[str] = (), own: str | None = None
) -> str:
    """Return the note that a description is that of the original `recipe`, and the list of the differences.

    Returns an empty text if there are no differences.

    Args:
        recipe: the experiment.
        config: the setup.
        lang: the language.
        on_the_way: texts of the settings changed during training.
        own: the title of an uploaded text that `config` trains on.
    """
    parts = [changes_text(config, recipe.config, lang, own)]
    if on_the_way:
        parts.append(t("explain.on_the_way", lang, changes=t("list.join", lang).join(on_the_way)))
    changes = t("list.join", lang).join(filter(None, parts))
    return t("explain.departs", lang, id=recipe.id, changes=changes) if changes else ""


def look_for(recipe: Recipe, lang: str) -> str:
    """Return three sentences on what to look for in an experiment."""
    if has(f"recipe.{recipe.id}.look", lang):
        return t(f"recipe.{recipe.id}.look", lang)
    if recipe.repairs:
        return t("recipe.repaired.look", lang, id=recipe.repairs)
    return t("recipe.X1.look", lang)


def state_text(state: str, lang: str) -> str:
    """Return the text of the state of a run."""
    return t(f"state.{state}", lang)


STATE_COLORS = {
    "queued": "gray",
    "running": "green",
    "paused": "orange",
    "finished": "blue",
    "stopped": "gray",
    "diverged": "red",
    "failed": "red",
    "interrupted": "orange",
    "recorded": "violet",
}
STATE_ICONS = {
    "queued": ":material/hourglass_empty:",
    "running": ":material/play_arrow:",
    "paused": ":material/pause:",
    "finished": ":material/check:",
    "stopped": ":material/stop:",
    "diverged": ":material/trending_up:",
    "failed": ":material/error:",
    "interrupted": ":material/power_off:",
    "recorded": ":material/movie:",
}


def layer_names(count: int, lang: str) -> list[str]:
    """Return the names of the layers whose gradients are shown, the first layer first and the output layer last."""
    if count <= 0:
        return []
    return [*(t("chart.layer", lang, number=i + 1) for i in range(count - 1)), t("chart.output_layer", lang)]
