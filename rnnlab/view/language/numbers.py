"""Format numbers, shares and durations."""

from __future__ import annotations

import math

from rnnlab.view.language.i18n import t

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float | None, digits: int = 4) -> str:
    """Format a number with about `digits` significant digits: 1027, 270.3, 7.81, 1×10⁻⁵; ∞ also for None."""
    if value is None or value == math.inf:
        return "∞"
    if value >= 1e7:
        return scientific(value)
    if value >= 10 ** (digits - 1):
        return f"{value:,.0f}" if value >= 10_000 else f"{value:.0f}"
    mantissa, _, exponent = f"{value:.{digits}g}".partition("e")
    return _raised(mantissa, exponent) if exponent else mantissa


def as_shown(value: float, digits: int = 4) -> float:
    """Return a number as `number` rounds it, so that what is computed from it agrees with the figures on the page."""
    if not math.isfinite(value):
        return value
    if value >= 1e7:
        return float(f"{value:.1e}")
    return float(f"{value:.0f}" if value >= 10 ** (digits - 1) else f"{value:.{digits}g}")


def scientific(value: float) -> str:
    """Format a very small or very large number: 8.2×10⁻⁸, 3.2×10⁹; 0 as it is."""
    if value == 0:
        return "0"
    mantissa, exponent = f"{value:.1e}".split("e")
    return _raised(mantissa, exponent)


def _raised(mantissa: str, exponent: str) -> str:
    return f"{mantissa}×10{str(int(exponent)).translate(_RAISED)}"


def small(value: float) -> str:
    """Format a number of which, near zero, only the magnitude matters: 0.31, 0.012, < 0.001."""
    return "< 0.001" if 0 < value < 0.001 else number(value, 2)


def signed(value: float) -> str:
    """Format a number with two decimals and a true minus sign: 0.31, −0.31."""
    return f"{value:.2f}".replace("-", "−")


def ratio_text(value: float) -> str:
    """Format a ratio: 1.5, 12, 261."""
    return number(value, 2) if value < 10 else f"{value:.0f}"


def thousands(value: float) -> str:
    """Format a rate in few characters: 840, 8.4k, 84k."""
    return f"{value / 1000:.0f}k" if value >= 10_000 else f"{value / 1000:.1f}k" if value >= 1000 else f"{value:.0f}"


def perplexity_text(perplexity: float | None) -> str:
    """Format a perplexity; ∞ if it is infinite, a dash if it is missing (None)."""
    if perplexity is None:
        return "–"
    return number(perplexity if math.isfinite(perplexity) else None, _digits(perplexity))


def perplexity_as_shown(perplexity: float) -> float:
    """Return a perplexity as `perplexity_text` rounds it."""
    return as_shown(perplexity, _digits(perplexity))


def _digits(perplexity: float) -> int:
    # runs often end so near 1 that four digits show no difference
    return 5 if perplexity < 1.1 else 4


def percent(share: float) -> str:
    """Format a share or a relative difference with two significant digits, without its sign: 1.4%, 12%, 250%."""
    value = abs(share) * 100
    return f"{value:.0f}%" if value >= 9.95 else f"{value:.2g}%"


def probability_text(share: float) -> str:
    """Format a probability, with enough digits near 0 and 1: 62%, 4.1%, 0.32%, <0.01%, 99.8%, >99.9%."""
    if share >= 1:
        return "100%"
    if share > 0.999:
        return ">99.9%"
    if share >= 0.995:
        return f"{share:.1%}"
    if share >= 0.0995:
        return f"{share:.0%}"
    if share >= 0.00995:
        return f"{share:.1%}"
    return f"{share:.2%}" if share >= 0.0001 else "<0.01%" if share else "0%"


def duration(seconds: float, lang: str) -> str:
    """Format a duration: ``0.4 s``, ``12 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if seconds < 0.995:
        return t("time.seconds", lang, seconds=f"{seconds:.2g}")
    if seconds < 9.95:
        return t("time.seconds", lang, seconds=f"{seconds:.1f}")
    whole = round(seconds)
    if whole < 60:
        return t("time.seconds", lang, seconds=whole)
    if whole < 3600:
        return t("time.minutes", lang, minutes=whole // 60, seconds=whole % 60)
    return t("time.hours", lang, hours=whole // 3600, minutes=whole % 3600 // 60)
