"""Setups, states and recipes in words."""

from __future__ import annotations

from collections.abc import Sequence

from rnnlab.cells import CELLS
from rnnlab.config import TrainConfig
from rnnlab.recipes import RECIPES, Recipe
from rnnlab.view.i18n import has, number, t

CHOICES = (
    "cell",
    "implementation",
    "activation",
    "initialization",
    "sampling",
    "offset",
    "optimizer",
    "objective",
    "decoding",
    "preprocessing",
    "device",
    "computation",
    "precision",
)
"""The settings whose values have names in the catalogue, under ``value.<field>.<value>``."""


def value_text(name: str, value: object, lang: str) -> str:
    """Say the value of the setting `name`."""
    if value is None:
        return t("value.off", lang)
    if isinstance(value, bool):
        return t("value.yes" if value else "value.no", lang)
    if name in CHOICES and has(f"value.{name}.{value}", lang):
        return t(f"value.{name}.{value}", lang)
    if name == "corpus":
        return corpus_title(str(value), lang)
    if isinstance(value, tuple):
        return t("list.join", lang).join(str(one) for one in value)
    if isinstance(value, float):
        return number(value, 6)
    return str(value)


def corpus_title(name: str, lang: str) -> str:
    """Name a corpus; an uploaded text goes by the first digits of its id."""
    if has(f"corpus.{name}", lang):
        return t(f"corpus.{name}", lang)
    return t("corpus.own", lang, name=name.removeprefix("text-")[:6])


def summary(config: TrainConfig, lang: str) -> str:
    """Say a setup in one line."""
    parts = [
        value_text("cell", config.cell, lang),
        value_text("implementation", config.implementation, lang),
        t("summary.layers" if config.num_layers > 1 else "summary.layer", lang, count=config.num_layers),
        t("summary.hiddens", lang, count=config.num_hiddens),
        t(f"summary.sampling.{config.sampling}", lang),
        f"{value_text('optimizer', config.optimizer, lang)} {number(config.learning_rate, 6)}",
        t("summary.clip_off", lang) if config.clip_norm is None else f"θ = {number(config.clip_norm, 6)}",
        t("summary.epochs", lang, count=config.num_epochs),
    ]
    if config.bidirectional:
        parts.insert(3, t("summary.bidirectional", lang))
    helps = [
        t("summary.cloze", lang) if config.objective == "cloze" else "",
        t("summary.residual", lang) if config.residual else "",
        t("summary.layer_norm", lang) if config.layer_norm else "",
        t("summary.forget_bias", lang, value=number(config.forget_bias, 6))
        if config.forget_bias and CELLS[config.cell].forget
        else "",
    ]
    place = parts.index(t(f"summary.sampling.{config.sampling}", lang))
    parts[place:place] = [one for one in helps if one]
    if CELLS[config.cell].chooses_activation and config.activation == "relu":
        parts.insert(1, "ReLU")
    if not config.detach:
        parts.insert(-1, t("summary.no_detach", lang))
    if config.computation == "as_written":
        parts.append(t("summary.as_written", lang))
    return " · ".join(parts)


def changes_text(config: TrainConfig, base: TrainConfig, lang: str, own: str | None = None) -> str:
    """Say in what `config` differs from `base`: ``learning rate 50 (was 100), ...``; empty where it does not.

    Args:
        config: the setup.
        base: what it departs from.
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
    """Name an experiment."""
    if has(recipe.title_key, lang):
        return t(recipe.title_key, lang)
    if recipe.repairs:
        return t("recipe.repaired.title", lang, title=recipe_title(RECIPES[recipe.repairs], lang))
    base = RECIPES[recipe.derived_from or "A2"]
    return t("recipe.X1.variant", lang, changes=changes_text(recipe.config, base.config, lang))


def recipe_label(recipe: Recipe, lang: str) -> str:
    """Name an experiment with its id in front."""
    return f"{recipe.id} · {recipe_title(recipe, lang)}"


def departure(
    recipe: Recipe, config: TrainConfig, lang: str, on_the_way: Sequence[str] = (), own: str | None = None
) -> str:
    """Say that what is said of `recipe` is said of it unchanged, and what this setup changes; empty where nothing.

    Args:
        recipe: the experiment.
        config: the setup.
        lang: the language.
        on_the_way: what was changed while it trained, in words.
        own: the title of an uploaded text that `config` trains on.
    """
    parts = [changes_text(config, recipe.config, lang, own)]
    if on_the_way:
        parts.append(t("explain.on_the_way", lang, changes=t("list.join", lang).join(on_the_way)))
    changes = t("list.join", lang).join(filter(None, parts))
    return t("explain.departs", lang, id=recipe.id, changes=changes) if changes else ""


def look_for(recipe: Recipe, lang: str) -> str:
    """Say in three sentences what to look for in an experiment."""
    if has(f"recipe.{recipe.id}.look", lang):
        return t(f"recipe.{recipe.id}.look", lang)
    if recipe.repairs:
        return t("recipe.repaired.look", lang, id=recipe.repairs)
    return t("recipe.X1.look", lang)


def state_text(state: str, lang: str) -> str:
    """Name the state of a run."""
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
