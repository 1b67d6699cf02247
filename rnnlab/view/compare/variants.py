"""Variants of one setup that race each other: one setting at a time, or what somebody writes."""

from __future__ import annotations

from typing import Any

from rnnlab.cells import CELLS
from rnnlab.config import TrainConfig
from rnnlab.errors import ConfigError

KINDS = ("cell", "implementation", "num_layers", "learning_rate", "computation", "own")
"""What can vary: one setting, or any."""
MAX_VARIANTS = 4
"""How many race at most."""

_OPTIONS: dict[str, tuple[Any, ...]] = {
    "cell": tuple(CELLS),
    "implementation": ("scratch", "library"),
    "num_layers": (1, 2, 6),
    "computation": ("fast", "as_written"),
}
_FACTORS = (0.1, 0.3, 1.0, 3.0, 10.0)


def variants(base: TrainConfig, kind: str) -> list[Any]:
    """Return the values that the setting `kind` can take in a race that starts from `base`, its own among them."""
    if kind == "learning_rate":
        rates = [float(f"{base.learning_rate * factor:.6g}") for factor in _FACTORS]
        return [rate for rate in rates if 0 < rate <= 1e4]
    options = list(_OPTIONS[kind])
    own = getattr(base, kind)
    return options if own in options else sorted([*options, own])


def parse_own(base: TrainConfig, text: str) -> list[TrainConfig]:
    """Return the variants that `text` names: settings as ``name=value``, by commas, variants by semicolons.

    Raises:
        ConfigError: a setting without a value, one that does not exist, or a value outside what is allowed; or more
            than `MAX_VARIANTS` (``compare_variants``).
    """
    parts = [part for part in text.replace("；", ";").replace("，", ",").split(";") if part.strip()]
    if len(parts) > MAX_VARIANTS:
        raise ConfigError(
            "compare_variants",
            f"{len(parts)} variants are too many; at most {MAX_VARIANTS} race.",
            given=len(parts),
            allowed=MAX_VARIANTS,
        )
    found = []
    for part in parts:
        settings = {}
        for pair in part.split(","):
            name, equals, value = pair.partition("=")
            if not equals:
                raise ConfigError(
                    "config_not_a_pair", "A setting is written name=value.", field="", value=pair, allowed="name=value"
                )
            settings[name.strip()] = value.strip()
        found.append(base.change_from_text(settings))
    return found
