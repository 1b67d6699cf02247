"""The contrast of faint text: at least 4.5 : 1 in both themes, computed from the colours.

The checks in the browser skip texts of one character, such as blanks and the characters of Inspect.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest

from rnnlab.view.data import highlight
from rnnlab.view.page import frame

ROOT = Path(__file__).parents[3]
THEMES = ("light", "dark")
ENOUGH = 4.5  # WCAG AA, text of normal size

Colour = tuple[float, ...]


def theme(name: str) -> dict[str, str]:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    colours: dict[str, str] = config["theme"][name]
    return colours


def colour(written: str) -> Colour:
    return tuple(int(written[i : i + 2], 16) for i in (1, 3, 5))


def over(top: Colour, share: float, ground: Colour) -> Colour:
    """The colour of `top` with this opacity on `ground`."""
    return tuple(share * a + (1 - share) * b for a, b in zip(top, ground, strict=True))


def luminance(colour: Colour) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (part / 255 for part in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(colour: Colour, other: Colour) -> float:
    dark, light = sorted((luminance(colour), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


class Quoted(NamedTuple):
    start: int
    stop: int
    corpus_start: int


def shades(css: str) -> list[tuple[Colour, float]]:
    """The backgrounds in a style, with their opacities."""
    matches = re.findall(r"background:\s*rgba\((\d+), ?(\d+), ?(\d+), ?([\d.]+)\)", css)
    return [((float(red), float(green), float(blue)), float(share)) for red, green, blue, share in matches]


def opacities(css: str) -> list[float]:
    return [float(value) for value in re.findall(r"opacity:\s*([\d.]+)", css)]


def grounds(name: str) -> list[Colour]:
    """The backgrounds of texts."""
    return [colour(theme(name)[ground]) for ground in ("backgroundColor", "secondaryBackgroundColor")]


def test_contrast_is_what_the_guidelines_say() -> None:
    black, white, grey = colour("#000000"), colour("#FFFFFF"), colour("#767676")
    assert contrast(black, white) == pytest.approx(21)
    assert contrast(white, grey) == pytest.approx(4.54, abs=0.01)
    assert over(black, 0.25, white) == pytest.approx((191.25,) * 3)
    # the value before it was computed
    text, page = colour(theme("light")["textColor"]), colour(theme("light")["backgroundColor"])
    assert contrast(over(text, 0.62, page), page) < ENOUGH


@pytest.mark.parametrize("name", THEMES)
def test_whatever_is_faint_can_be_read(name: str) -> None:
    """All styles of the pages that make text fainter, on all backgrounds of the theme."""
    text, found = colour(theme(name)["textColor"]), 0
    for path in (ROOT / "rnnlab" / "view").rglob("*.py"):
        for share in opacities(path.read_text(encoding="utf-8")):
            found += 1
            for ground in grounds(name):
                assert contrast(over(text, share, ground), ground) >= ENOUGH, (path.name, share)
    assert found >= 3


@pytest.mark.parametrize("name", THEMES)
def test_a_blank_can_be_read_on_the_shade_of_a_quote(name: str) -> None:
    text = colour(theme(name)["textColor"])
    marked_text = highlight.highlighted("a b", "", (Quoted(0, 3, 0),), ("a b",))
    mark = re.search(r'<mark [^>]*style="([^"]*)"', marked_text)
    blank = re.search(r'<span style="([^"]*)"', marked_text)
    assert mark
    assert blank, "a blank is drawn, and faint"
    (shade, depth), (faint,) = shades(mark[1])[0], opacities(blank[1])
    for ground in grounds(name):
        marked = over(shade, depth, ground)
        assert contrast(over(text, faint, marked), marked) >= ENOUGH


@pytest.mark.parametrize("name", THEMES)
def test_characters_can_be_read_on_every_shade_of_the_microscope(name: str) -> None:
    text = colour(theme(name)["textColor"])
    levels = shades((ROOT / "rnnlab" / "view" / "inspect" / "text.py").read_text(encoding="utf-8"))
    assert len(levels) == 6
    for shade, depth in levels:
        for ground in grounds(name):
            marked = over(shade, depth, ground)
            assert contrast(text, marked) >= ENOUGH, (shade, depth)


@pytest.mark.parametrize("name", THEMES)
def test_captions_and_links_can_be_read(name: str) -> None:
    (caption,) = opacities(frame.STYLE.read_text(encoding="utf-8"))
    for ground in grounds(name):
        assert contrast(over(colour(theme(name)["textColor"]), caption, ground), ground) >= ENOUGH
        assert contrast(colour(theme(name)["linkColor"]), ground) >= ENOUGH
