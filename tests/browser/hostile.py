"""Texts that Streamlit's Markdown would draw as something else, and an app that draws each in every kind of element.

`streamlit run` runs this file; `test_plain.py` reads the elements by the keys of their containers.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import streamlit as st

from rnnlab.view.language.i18n import plain

WRITTEN = (
    # emphasis, code, strikethrough
    "*a* **b** ***c*** _d_ __e__ snake_case_name", "`code` ``co`de``", "~a~ ~~b~~", "* not a list", "a\\*b\\", "\\",
    # links, images, addresses, footnotes
    "[a](https://x.example)", "![a](https://x.example/p.png)", "[a]: https://x.example", "[a][b] [c]",
    "[^1]", "[^1]: a footnote", "<https://x.example>", "https://x.example/a_b?c=d&e=f#g", "HTTP://X.EXAMPLE/",
    "see http://x.example.", "www.x.example", "(WWW.x.example/a)", "a.b+c@x.example", "mailto:a@x.example",
    "xmpp:a@x.example/b", "//x.example", "javascript:alert(1)",
    # what Streamlit adds
    ":smile:", ":+1: :-1:", ":smile:tada:", "x:smile:y", ":streamlit:", ":material/home:", ":material_home:",
    ":material\\/home:", ":red[a]", ":red-background[a]", ":blue-badge[a]", ":small[a]", ":shimmer[a]", ":help[a]",
    ":color[a]{foreground=\"red\"}", ":color[\\:]", ":rainbow[:red[a]]", ":unknown[a]", "::leaf[a]", "::a::b::",
    ":::container", ":::note[a]\nb\n:::", "12:30:45", "a:b: c:d", ":", "::", "a:", "<- a -> b <-> c", "->", "<->",
    "a -- b", "--", "---", "- -- ---", "----", "a >= b <= c ~= d", ">=", "-> -> <- <-",
    # formulas
    "$a$ and $$b$$", "$5 and $10", "\\(a\\) \\[b\\]", "$\\frac{1}{2}$",
    # HTML, entities
    "<b>a</b>", "<script>alert(1)</script>", "<!-- a -->", "<img src=x onerror=alert(1)>", "a < b > c",
    "&lt;b&gt; &amp;", "&#58;smile&#x3a;", "&copy &copy;", "AT&T; &", "<?php ?>", "<![CDATA[a]]>",
    # blocks
    "# a", "#", "#a #b", "## a ##", "1. a", "1) a", "12.", "2024. a", "- a", "-", "+ a", "+", "- [ ] a", "> a", ">a",
    "    indented", "\tindented", "```\ncode\n```", "~~~\ncode\n~~~", "a\n===", "a\n---", "===", "***", "___", "- - -",
    "| a | b |\n|---|---|\n| c | d |", "a | b\n- | -", "a  \nb", "a\\\nb", "a\nb", "a\n\nb", " a ", "  a  \n  b  ",
    "a\r\nb", "a\tb", "\ufeffa\ufeff", "\u3000a\u3000", "\u00a0a", "a  b", "{a} {{b}} {0}", "%s %(a)s", "'\"",
    # ordinary words
    "A6 (second try), 50 % · θ = 0.01", "标题：内容_二 *三*", "vacation@sea", "C:\\Users\\x", "e.g. x_1, x_2!",
    "5-7 a-b --x",
)  # fmt: skip
"""Each is to be seen as it stands here."""
PIECES = (
    ":", "smile", ":smile:", "material", "/", "_", "[", "](", ")", "[a](b)", "<", ">", "-", "->", "<-", "--", "=", "~",
    "`", "``", "*", "**", "_a_", "#", " ", "  ", "\n", "\t", "&", "lt;", "#58;", "$", "$$", "1", "1.", "|", "http",
    "https://", "www", ".", "x.y", "@", "a", "中", "\\", "!", "{", "}", "+", "^", "\"", "'", "color[", ":red[", "]",
    ";", "\u3000", ":a", "::",
)  # fmt: skip


def random_texts(count: int, seed: int) -> list[str]:
    """Return different texts of such pieces."""
    chance = random.Random(seed)
    texts: dict[str, None] = {}
    while len(texts) < count:
        texts["".join(chance.choices(PIECES, k=chance.randint(1, 9)))] = None
    return [text for text in texts if text.strip()]


TEXTS = (*WRITTEN, *(text for text in random_texts(60, seed=0) if text not in WRITTEN))

Element = Callable[[str, str], object]
SINGLE: dict[str, Element] = {
    "markdown": lambda text, _: st.markdown(text),
    "caption": lambda text, _: st.caption(text),
    "header": lambda text, _: st.header(text, anchor=False),
    "error": lambda text, _: st.error(text),
    "button": lambda text, key: st.button(text, key=key),
    "checkbox": lambda text, key: st.checkbox(text, key=key),
    "expander": lambda text, _: st.expander(text),
    "metric": lambda text, _: st.metric(text, text, text),
    "table": lambda text, _: st.table({text: [text]}),
}
"""Elements that are drawn once for each text, given the text and a key."""
OPTIONS: dict[str, Callable[..., object]] = {
    "radio": st.radio,
    "pills": st.pills,
    "segmented": st.segmented_control,
}
"""Elements that draw all texts as their options."""
TOGETHER = " / ".join(TEXTS)


def draw() -> None:
    """Draw every text in every element."""
    for name, element in SINGLE.items():
        for number, text in enumerate(TEXTS):
            with st.container(key=f"{name}-{number}"):
                element(plain(text), f"{name}.{number}")
    options = [plain(text) for text in TEXTS]
    for name, choice in OPTIONS.items():
        with st.container(key=name):
            choice("Choose", options, label_visibility="collapsed")
    with st.container(key="tabs"):
        st.tabs(options)
    together = plain(TOGETHER)
    with st.container(key="progress"):
        st.progress(0.5, text=together)
    with st.container(key="popover"):
        st.popover(together)
    with st.container(key="label"):
        st.text_input(together)
    with st.container(key="help"):
        st.button("Help", help=together)
    # emoji and formulas among the app's own words, which load what would find those of people
    with st.container(key="among"):
        st.markdown(f":tada: $x$ **{plain(':smile:')}**: {plain('$a$ :+1:')}")
    st.toast(together, duration="infinite")
    st.dialog(together)(lambda: None)()


if __name__ == "__main__":
    draw()
