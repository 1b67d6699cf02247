"""The variants of a setup in a race: values of one setting, or variants written by the reader."""

from __future__ import annotations

from typing import Any

from rnnlab.cells import CELLS
from rnnlab.config import TrainConfig
from rnnlab.errors import ConfigError

KINDS = ("cell", "implementation", "num_layers", "learning_rate", "computation", "own")
"""What varies: a setting, or any settings (``own``)."""
MAX_VARIANTS = 4
"""Maximum number of variants in a race."""

_OPTIONS: dict[str, tuple[Any, ...]] = {
    "cell": tuple(CELLS),
    "implementation": ("scratch", "library"),
    "num_layers": (1, 2, 6),
    "computation": ("fast", "as_written"),
}
_FACTORS = (0.1, 0.3, 1.0, 3.0, 10.0)


def variants(base: TrainConfig, kind: str) -> list[Any]:
    """Return the values that the setting `kind` can take in a race that starts from `base`, with that of `base`."""
    if kind == "learning_rate":
        rates = [float(f"{base.learning_rate * factor:.6g}") for factor in _FACTORS]
        return [rate for rate in rates if 0 < rate <= 1e4]
    options = list(_OPTIONS[kind])
    own = getattr(base, kind)
    return options if own in options else sorted([*options, own])


def parse_own(base: TrainConfig, text: str) -> dict[str, TrainConfig]:
    """Parse variants: settings as ``name=value`` separated by commas, variants separated by semicolons.

    Returns:
        the variants by their texts, in the order in which they were written.

    Raises:
        ConfigError: a setting has no value, does not exist, or has a value that is not allowed; or there are more than
            `MAX_VARIANTS` variants (``compare_variants``).
    """
    parts = [part for part in text.replace("；", ";").replace("，", ",").split(";") if part.strip()]
    if len(parts) > MAX_VARIANTS:
        raise ConfigError(
            "compare_variants",
            f"{len(parts)} variants are too many; at most {MAX_VARIANTS} race.",
            given=len(parts),
            allowed=MAX_VARIANTS,
        )
    configs = {}
    for part in parts:
        settings = {}
        for pair in part.split(","):
            name, equals, value = pair.partition("=")
            if not equals:
                raise ConfigError(
                    "config_not_a_pair", "A setting is written name=value.", field="", value=pair, allowed="name=value"
                )
            settings[name.strip()] = value.strip()
        configs[", ".join(f"{name}={value}" for name, value in settings.items())] = base.change_from_text(settings)
    return configs
