"""Settings: as values, as the texts of an address or of the shell, as JSON, and as typed variants of a race."""

from __future__ import annotations

import json
from random import Random

from rnnlab.config import TrainConfig
from rnnlab.errors import RNNLabError
from rnnlab.recipes import RECIPES
from rnnlab.text import prefixes
from rnnlab.view.compare.variants import parse_own
from rnnlab.view.language.i18n import LANGUAGES, error_text
from rnnlab.view.language.settings import summary
from tests.fuzz import hostile
from tests.fuzz.lab import Door

NAMES = list(TrainConfig.model_fields)


class Config(Door):
    """The validation of settings."""

    name = "config"
    share = 0.3
    only_reads = True

    def knock(self, chance: Random) -> bool:
        """Make a configuration, and put it or the reason against it into words."""
        base = chance.choice(list(RECIPES.values())).config
        names = chance.choices([*NAMES, "", "__class__", "cell "], k=chance.randint(1, 4))
        config: TrainConfig | None = None
        try:
            config = self._make(chance, base, names)
        except RNNLabError as error:
            words = [error_text(error, lang) for lang in LANGUAGES]
        if config is None:
            assert all(words)
            return False
        assert TrainConfig.from_json(config.to_json()) == config
        assert all(summary(config, lang) for lang in LANGUAGES)
        return True

    def _make(self, chance: Random, base: TrainConfig, names: list[str]) -> TrainConfig:
        kind = chance.randrange(5)
        if kind == 0:
            return TrainConfig.make(**{name: hostile.value(chance) for name in names})
        if kind == 1:
            return base.change(**{name: hostile.value(chance) for name in names})
        if kind == 2:
            return base.change_from_text({name: hostile.text(chance) for name in names})
        if kind == 3:
            data = hostile.dumped(hostile.changed(chance, json.loads(base.to_json())))
            return TrainConfig.from_json(chance.choice((data, hostile.deep(chance), data[:-3])))
        typed = "; ".join(f"{name}={hostile.text(chance)}" for name in names)
        prefixes.split(typed)
        return next(iter(parse_own(base, typed).values()))
