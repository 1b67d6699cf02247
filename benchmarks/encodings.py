"""Share of short files whose encoding is recognised: our own detection beside the library charset-normalizer.

    python -m benchmarks.encodings [--files 40] [--json FILE]

Files of 50, 300 and 3,000 characters are written in each encoding that people's programs use for a language: passages
of the embedded corpora, and sentences made up for this in random order. Each is decoded by
`rnnlab.text.encodings.decode`, by the library alone, by the library among our own encodings only, and by ours with the
library where ours finds no encoding. A cell says how many of 100 are read right, and how many wrong; the rest is
refused, which tells the user what to do. A character that an encoding lacks is left out before the text is written.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import charset_normalizer
from rich.console import Console
from rich.table import Table

from rnnlab.errors import CorpusError
from rnnlab.text.corpora import load
from rnnlab.text.encodings import decode

LENGTHS = (50, 300, 3_000)

SENTENCES = {
    "zh-Hant": """
今天早上下了一點雨，我沒有帶傘。
走到學校的時候，鞋子已經濕了。
窗外的樹葉綠得發亮，鳥在枝頭唱歌。
下課以後我們去操場踢球，誰也沒有贏。
媽媽問我今天學了什麼，我說學會了等雨停。
第一輪結束的時候，它只會寫空格。
夜裡的城市安靜下來，只剩路燈和遠處的火車。
老師說：「沒關係，坐到窗邊來吧。」
他把舊書放在桌上，慢慢翻到最後一頁。
""",
    "ja": """
雨が降る日は窓のそばで歌をうたう。
時計の針は止まらずに進んでいく。
ぼくらは帰り道をまだ探している。
駅のホームで冷たい風を待った。
昨日の手紙は、机の引き出しの中にある。
「また明日」と彼女は小さく笑った。
コーヒーを飲みながら、古い本を読む。
海の向こうに、赤い灯台が見えた。
夏の終わりに、花火の音が聞こえる。
""",
    "ko": """
비가 오는 날에는 창가에 앉아서 노래를 부른다.
시계는 멈추지 않고 앞으로 간다.
우리는 아직 돌아가는 길을 찾고 있다.
기차역에서 차가운 바람을 기다렸다.
어제 받은 편지는 책상 서랍 속에 있다.
“내일 또 봐요” 하고 그녀가 웃었다.
커피를 마시면서 오래된 책을 읽는다.
바다 건너에 붉은 등대가 보였다.
여름이 끝날 무렵 불꽃놀이 소리가 들린다.
""",
    "ru": """
Дождь идёт весь день, и я сижу у окна.
Часы не останавливаются и идут вперёд.
Мы всё ещё ищем дорогу домой.
На вокзале дул холодный ветер.
Вчерашнее письмо лежит в ящике стола.
«До завтра», — сказала она и улыбнулась.
За чашкой кофе я читаю старую книгу.
За морем был виден красный маяк.
В конце лета слышны хлопушки и смех.
""",
    "fr": """
Il pleut depuis ce matin et je chante à la fenêtre.
L’horloge ne s’arrête pas, elle avance toujours.
Nous cherchons encore le chemin du retour.
À la gare, un vent froid soufflait déjà.
La lettre d’hier est restée dans le tiroir.
« À demain », dit-elle avec un léger sourire.
Je relis un vieux livre près du café.
Au-delà de la mer, on voyait un phare rouge.
""",
    "de": """
Es regnet schon den ganzen Tag, und ich sitze am Fenster.
Die Uhr hält nicht an und läuft weiter.
Wir suchen noch immer den Weg zurück.
Am Bahnhof wehte ein kühler Wind über die Gleise.
Der Brief von gestern liegt in der Schublade.
„Bis morgen“, sagte sie und lächelte.
Beim Kaffee lese ich ein altes Buch für Träumer.
Hinter dem großen Meer stand ein roter Leuchtturm.
""",
    "pl": """
Pada deszcz, a ja śpiewam przy oknie.
Zegar się nie zatrzymuje i idzie dalej.
Wciąż szukamy drogi do domu.
Na dworcu wiał zimny wiatr.
Wczorajszy list leży w szufladzie biurka.
„Do jutra” – powiedziała i uśmiechnęła się.
Przy kawie czytam starą książkę.
Za morzem było widać czerwoną latarnię.
""",
}

# the encodings of each language, and whether we say that we read them
FILES = (
    ("zh", ("utf-8", "utf-16", "gb18030"), True),
    ("zh-Hant", ("utf-8", "utf-16", "big5", "cp950", "gb18030"), True),
    ("en", ("utf-8", "utf-16", "cp1252"), True),
    ("fr", ("utf-8", "cp1252"), True),
    ("de", ("utf-8", "cp1252"), True),
    ("ja", ("utf-8",), True),
    ("ko", ("utf-8",), True),
    ("ru", ("utf-8",), True),
    ("zh", ("utf-16-le",), True),
    ("en", ("utf-16-le", "utf-16-be", "utf-32"), True),
    ("ja", ("shift_jis", "euc_jp", "iso2022_jp"), True),
    ("ko", ("cp949",), True),
    ("ru", ("cp1251", "koi8-r", "cp866"), True),
    ("fr", ("mac-roman", "cp850"), False),
    ("de", ("mac-roman", "cp850"), False),
    ("pl", ("cp1250", "iso8859-2"), False),
)
OURS = (
    "utf_8", "utf_16", "utf_16_le", "utf_16_be", "utf_32", "gb18030", "big5", "cp950", "big5hkscs", "cp932", "euc_jp",
    "iso2022_jp", "cp949", "cp1251", "koi8_r", "cp866", "cp1252",
)  # fmt: skip
"""Our own encodings, as the library names them."""

Decoder = Callable[[bytes], str | None]


def ours(data: bytes) -> str | None:
    """Return the text, or None if it is refused."""
    try:
        return decode(data)
    except CorpusError:
        return None


def library(data: bytes, among: list[str] | None = None) -> str | None:
    """Return the best guess of the library, or None without one."""
    best = charset_normalizer.from_bytes(data, cp_isolation=among).best()
    return None if best is None else str(best).lstrip("\ufeff")


DECODERS: dict[str, Decoder] = {
    "ours": ours,
    "library": library,
    "library, our encodings": lambda data: library(data, list(OURS)),
    "ours, then library": lambda data: ours(data) or library(data),
}


def passages(language: str, length: int, number: int) -> Iterator[str]:
    """Yield `number` texts of `length` characters in a language."""
    draw = random.Random(f"{language} {length}")
    corpus = {"zh": "lyrics-zh", "en": "verse-en"}.get(language)
    for _ in range(number):
        if corpus is not None:
            source = load(corpus).text
            start = draw.randrange(len(source) - length)
            yield source[start : start + length]
            continue
        sentences = SENTENCES[language].split("\n")[1:-1]
        text = ""
        while len(text) < length:
            text += "\n".join(draw.sample(sentences, len(sentences))) + "\n"
        yield text[:length]


def files(language: str, encoding: str, length: int, number: int) -> Iterator[tuple[bytes, str]]:
    """Yield files and what they say; those that are plain ASCII are left out."""
    for text in passages(language, length, number):
        data = text.encode(encoding, "ignore")
        kept = data.decode(encoding)
        if language == "en" and encoding == "cp1252":  # the corpus is ASCII but for what a word processor makes of it
            kept = kept.replace("'", "’") + " café —"
            data = kept.encode(encoding)
        if not data.isascii() or b"\x1b" in data or b"\0" in data:
            yield data, kept


def measure(number: int) -> list[dict[str, object]]:
    """Return the rows of the table: for each language, encoding and length the shares of each decoder."""
    rows: list[dict[str, object]] = []
    for language, encodings, promised in FILES:
        for encoding in encodings:
            for length in LENGTHS:
                cases = list(files(language, encoding, length, number))
                if not cases:
                    continue
                row: dict[str, object] = {"language": language, "encoding": encoding, "characters": length}
                for name, decoder in DECODERS.items():
                    begin = time.perf_counter()
                    read = [decoder(data) for data, _ in cases]
                    seconds = (time.perf_counter() - begin) / len(cases)
                    right = sum(text == wanted for text, (_, wanted) in zip(read, cases, strict=True))
                    wrong = sum(text is not None for text in read) - right
                    row[name] = {"right": right / len(cases), "wrong": wrong / len(cases), "ms": 1e3 * seconds}
                rows.append({**row, "promised": promised})
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=40, help="files for each row")
    parser.add_argument("--json", type=Path, help="also write the rows to this file")
    arguments = parser.parse_args()
    rows = measure(arguments.files)
    table = Table(title="of 100 files, read right / read wrong; milliseconds for a file")
    for heading in ("language", "encoding", "characters", *DECODERS):
        table.add_column(heading, justify="left" if heading in ("language", "encoding") else "right")
    for promised in (True, False):
        chosen = [row for row in rows if row["promised"] is promised]
        for row in chosen:
            table.add_row(str(row["language"]), str(row["encoding"]), str(row["characters"]), *_cells([row]))
        label = "encodings that we name" if promised else "others"
        table.add_row(f"[b]{label}", "", "", *_cells(chosen), end_section=True)
    Console(width=140).print(table)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


def _cells(rows: list[dict[str, object]]) -> list[str]:
    cells = []
    for name in DECODERS:
        values: list[dict[str, float]] = [row[name] for row in rows]  # type: ignore[misc]
        right, wrong, ms = (sum(value[key] for value in values) / len(rows) for key in ("right", "wrong", "ms"))
        cells.append(f"{100 * right:.0f} / {100 * wrong:.0f}  {ms:.1f}")
    return cells


if __name__ == "__main__":
    main()
