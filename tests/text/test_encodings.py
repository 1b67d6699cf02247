"""Undeclared encodings: what is told apart, what is refused."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnlab.errors import CorpusError
from rnnlab.text.corpora import MAX_BYTES, from_bytes, from_text
from rnnlab.text.encodings import clean, decode, decode_noted
from rnnlab.text.ordinary import chineseness

SIMPLIFIED = """今天早上下了一点雨，我没有带伞。
走到学校的时候，鞋子已经湿了。
老师说：“没关系，坐到窗边来吧。”
窗外的树叶绿得发亮，鸟在枝头唱歌。
下课以后我们去操场踢球，谁也没有赢。
晚饭是西红柿炒鸡蛋，还有一碗热汤。
妈妈问我今天学了什么，我说学会了等雨停。
电脑里的模型还在训练，困惑度慢慢往下走。
第一轮结束的时候，它只会写空格。
到了第五十轮，它开始学会押韵。
夜里的城市安静下来，只剩路灯和远处的火车。
我把这些写在本子上，希望明年还能看懂。
"""
TRADITIONAL = """今天早上下了一點雨，我沒有帶傘。
走到學校的時候，鞋子已經濕了。
老師說：「沒關係，坐到窗邊來吧。」
窗外的樹葉綠得發亮，鳥在枝頭唱歌。
下課以後我們去操場踢球，誰也沒有贏。
晚飯是番茄炒雞蛋，還有一碗熱湯。
媽媽問我今天學了什麼，我說學會了等雨停。
電腦裡的模型還在訓練，困惑度慢慢往下走。
第一輪結束的時候，它只會寫空格。
到了第五十輪，它開始學會押韻。
夜裡的城市安靜下來，只剩路燈和遠處的火車。
我把這些寫在本子上，希望明年還能看懂。
"""
CANTONESE = "佢哋話今晚唔返屋企食飯，我喺度等咗好耐。啲雨仲未停，不如飲杯茶先啦。\n"
CLASSICAL = "蒹葭蒼蒼，白露為霜。所謂伊人，在水一方。溯洄從之，道阻且長。\n"

# (the text, an encoding it is written in): both directions, and traditional characters in the mainland's encoding too
WRITTEN = [(SIMPLIFIED, "gb18030"), (SIMPLIFIED, "gbk"), (SIMPLIFIED, "gb2312"), (TRADITIONAL, "gb18030")]
WRITTEN += [(TRADITIONAL, "big5"), (TRADITIONAL, "cp950"), (TRADITIONAL, "big5hkscs"), (CANTONESE, "big5hkscs")]
WRITTEN += [(CLASSICAL, "big5"), (CLASSICAL, "gb18030")]


@pytest.mark.parametrize(("text", "encoding"), WRITTEN)
def test_a_page_of_text_is_read(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)) == text
    assert decode((text * 400).encode(encoding)) == text * 400


@pytest.mark.parametrize(("text", "encoding"), WRITTEN)
def test_every_single_line_is_read(text: str, encoding: str) -> None:
    for line in text.splitlines():
        assert decode(line.encode(encoding)) == line


@given(
    st.sampled_from([case for case in WRITTEN if len(case[0]) > 100]),
    st.lists(st.integers(0, 11), min_size=1, max_size=30),
    st.sampled_from(["\n", " ", "\n\n", " la la la\n", " (2) "]),
)
def test_lines_in_any_order_are_read(case: tuple[str, str], order: list[int], between: str) -> None:
    lines = case[0].splitlines()
    text = between.join(lines[i] for i in order)
    assert decode(text.encode(case[1])) == text


@pytest.mark.parametrize(
    ("text", "encoding"), [(SIMPLIFIED, "gb18030"), (TRADITIONAL, "gb18030"), (TRADITIONAL, "big5")]
)
def test_a_dozen_characters_from_anywhere_are_read(text: str, encoding: str) -> None:
    for start in range(len(text) - 12):
        piece = text[start : start + 12]
        assert decode(piece.encode(encoding)) == piece.strip("\ufeff")


@pytest.mark.parametrize(
    ("word", "encoding"), [("分开", "gb18030"), ("不分开", "gb18030"), ("我愛你", "big5"), ("時間", "big5")]
)
def test_a_word_is_read(word: str, encoding: str) -> None:
    assert decode(word.encode(encoding)) == word


def test_the_embedded_lyrics_are_read_in_the_mainlands_encoding() -> None:
    from rnnlab.text.corpora import load

    text = load("lyrics-zh").text
    assert decode(text.encode("gb18030")) == text
    starts = random.Random(0).choices(range(len(text) - 40), k=300)
    for start in starts:
        piece = text[start : start + 40]
        assert decode(piece.encode("gb18030")) == piece


PLAIN = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1).filter(
    lambda text: text.strip() and not text.startswith("\ufeff")
)


@given(PLAIN, st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]))
def test_any_text_comes_back_from_unicode(text: str, encoding: str) -> None:
    mark = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(encoding, b"")
    assert decode(mark + text.encode(encoding)) == text


@given(st.lists(st.sampled_from(["分开", "\n", "\r\n", "\r", " "]), min_size=1).map("".join))
def test_line_ends_become_one(text: str) -> None:
    text = "不要" + text
    expected = text.replace("\r\n", "\n").replace("\r", "\n")
    assert decode(text.encode()) == from_text(text).text == expected


def test_characters_of_four_bytes_are_read() -> None:
    text = "今天很开心🎵我们一起唱歌吧𠮷"
    assert decode(text.encode("gb18030")) == text


@given(st.binary(max_size=300))
def test_no_bytes_crash_it(data: bytes) -> None:
    with suppress(CorpusError):
        text = decode(data)
        assert text.strip()
        assert "\0" not in text
        assert "\r" not in text
        text.encode("utf-8")


PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000100000001008060000001ff3ff61")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "corpus_empty"),
        (b" \n\t\r\n ", "corpus_empty"),
        (b"\xef\xbb\xbf", "corpus_empty"),
        (b"\xff\xfe", "corpus_empty"),
        ("\u3000\n".encode("gb18030"), "corpus_empty"),
        (PNG, "corpus_binary"),
        (b"a text with one \0 in it", "corpus_binary"),
        ("分开\0".encode(), "corpus_binary"),
        (b"\0\0\0\x01\0\x02" * 50, "corpus_binary"),
        (b"\xff\xfea", "corpus_binary"),  # only half a character after the mark
        (b"\x7fELF\x01\x02\x03" * 50, "corpus_binary"),
        (b"\xff\xd8\xff\xe0\x10JFIF", "corpus_encoding"),
        ("Größe heißt Stärke, sagte der Bär.".encode("mac-roman"), "corpus_encoding"),
        ("Größe heißt Stärke, sagte der Bär.".encode("cp850"), "corpus_encoding"),
        ("Zażółć gęślą jaźń, mówił chłopiec, i poszedł dalej.".encode("cp1250"), "corpus_encoding"),
    ],
)  # fmt: skip
def test_what_is_no_text_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(CorpusError) as caught:
        decode(data)
    assert caught.value.code == code


FRENCH = "Il était une fois, où la forêt dormait à l’été — « déjà », dit-il.\n"


@pytest.mark.parametrize(
    ("text", "encoding"), [*WRITTEN, (SIMPLIFIED, "utf-8"), (SIMPLIFIED, "utf-16"), (FRENCH, "utf-8")]
)
def test_a_character_cut_off_at_the_end_is_left_out_and_said(text: str, encoding: str) -> None:
    """As `head -c` leaves it; every place where a file can be cut."""
    whole = text.encode(encoding)
    for length in range(len(whole) - 5, len(whole) + 1):
        read, notes = decode_noted(whole[:length])
        assert text.startswith(read)
        assert len(read.encode(encoding)) == length - sum(note.params["bytes"] for note in notes)
        assert [note.code for note in notes] in ([], ["corpus_cut"])
    assert decode_noted(whole) == (text, ())


def test_a_stray_byte_is_located() -> None:
    """The byte and the line, whichever line ends the text has."""
    for end in ("\n", "\r\n", "\r"):
        lines = SIMPLIFIED.replace("\n", end).encode().split(end.encode())
        data = end.encode().join([*lines[:4], b"\xff" + lines[4], *lines[5:]])
        with pytest.raises(CorpusError, match=r"line 5") as caught:
            decode(data)
        assert caught.value.code == "corpus_stray_byte"
        assert caught.value.params == {
            "encoding": "UTF-8", "count": 1, "byte": data.index(b"\xff") + 1, "line": 5, "value": "0xFF"
        }  # fmt: skip
    with pytest.raises(CorpusError) as caught:
        decode((SIMPLIFIED * 3).encode().replace("电".encode(), b"\xe7\x94"))
    assert (caught.value.params["count"], caught.value.params["line"]) == (3, 8)


@pytest.mark.parametrize(("text", "encoding", "name"), [(SIMPLIFIED, "gbk", "GB18030"), (TRADITIONAL, "big5", "Big5")])
def test_a_stray_byte_is_located_in_older_encodings_too(text: str, encoding: str, name: str) -> None:
    lines = text.encode(encoding).split(b"\n")
    data = b"\n".join([*lines[:4], lines[4] + b"\xff", *lines[5:]])
    with pytest.raises(CorpusError) as caught:
        decode(data)
    assert caught.value.code == "corpus_stray_byte"
    found = {key: caught.value.params[key] for key in ("encoding", "count", "line", "value")}
    assert found == {"encoding": name, "count": 1, "line": 5, "value": "0xFF"}


def test_the_rest_of_a_character_at_the_beginning_is_left_out_and_said() -> None:
    """As `tail -c` leaves it; both ends can be cut."""
    whole = SIMPLIFIED.encode()
    for start, stop, codes in (
        (1, None, ["corpus_cut_start"]),
        (2, -3, ["corpus_cut_start", "corpus_cut"]),
        (3, None, []),
    ):
        read, notes = decode_noted(whole[start:stop])
        assert read in SIMPLIFIED
        assert [note.code for note in notes] == codes


@given(st.sampled_from([case for case in WRITTEN if len(case[0]) > 100]), st.integers(0, 100))
def test_no_chinese_text_is_taken_for_damaged_unicode(case: tuple[str, str], start: int) -> None:
    piece = case[0][start : start + 60]
    assert decode(piece.encode(case[1])) == piece.removeprefix("\ufeff")


@pytest.mark.parametrize(
    "text",
    [
        "I don’t know — the café.\n",
        FRENCH,
        "Größe heißt Stärke, sagte der Bär zum Fuchs über den Wäldern.",
        "El niño comió una piña; ¿qué más? ¡Nada!",
        "Coração não é só pão, à noite há canções.",
        "only the quotes “here” are beyond ASCII, and the text ends with é",
    ],
)
def test_a_western_text_of_older_windows_programs_is_read_and_said(text: str) -> None:
    read, (note,) = decode_noted(text.encode("cp1252"))
    assert read == text
    assert (note.code, note.params) == ("corpus_western", {"encoding": "Windows-1252"})


JAPANESE = "雨が降る日は窓のそばで歌をうたう。ぼくらは帰り道をまだ探している。\nコーヒーを飲みながら、古い本を読む。\n"
KOREAN = (
    "비가 오는 날에는 창가에 앉아서 노래를 부른다. 우리는 아직 길을 찾고 있다.\n“내일 또 봐요” 하고 그녀가 웃었다.\n"
)
RUSSIAN = "В траве сидел кузнечик, совсем как огуречик. Дождь идёт весь день.\n«До завтра», — сказала она.\n"


@pytest.mark.parametrize(
    ("text", "encoding", "name"),
    [
        (JAPANESE, "shift-jis", "Shift-JIS"),
        (JAPANESE, "cp932", "Shift-JIS"),
        (JAPANESE, "euc-jp", "EUC-JP"),
        (JAPANESE, "iso2022_jp", "ISO-2022-JP"),
        (KOREAN, "euc-kr", "EUC-KR"),
        (KOREAN, "cp949", "EUC-KR"),
        (RUSSIAN, "cp1251", "Windows-1251"),
        (RUSSIAN.replace("—", "-").translate({0xAB: '"', 0xBB: '"'}), "koi8-r", "KOI8-R"),
        (RUSSIAN.replace("—", "-").translate({0xAB: '"', 0xBB: '"'}), "cp866", "CP866"),
    ],
)
def test_japanese_korean_and_russian_are_read_in_older_encodings_and_said(text: str, encoding: str, name: str) -> None:
    for piece in (text, text * 30, text.splitlines()[0]):
        read, (note,) = decode_noted(piece.encode(encoding))
        assert read == piece
        assert (note.code, note.params) == ("corpus_western", {"encoding": name})


@pytest.mark.parametrize(("encoding", "name"), [("cp1251", "Windows-1251"), ("koi8-r", "KOI8-R"), ("cp866", "CP866")])
def test_russian_is_read_in_small_and_capital_letters(encoding: str, name: str) -> None:
    for text in ("ПРИВЕТ МИР", "привет мир", "Привет, мир!", RUSSIAN.upper(), RUSSIAN.lower(), RUSSIAN.title()):
        piece = text.encode(encoding, "ignore").decode(encoding)
        read, (note,) = decode_noted(piece.encode(encoding))
        assert read == piece
        assert note.params == {"encoding": name}


@given(st.sampled_from([JAPANESE, KOREAN, RUSSIAN, FRENCH, SIMPLIFIED, TRADITIONAL]), st.integers(0, 40))
def test_utf_16_and_utf_32_are_read_without_a_mark_or_with_it(text: str, start: int) -> None:
    piece = text[start:]
    for encoding in ("utf-16-le", "utf-16-be", "utf-32"):
        assert decode_noted(piece.encode(encoding)) == (piece, ())


@pytest.mark.parametrize(
    "start", [b"RIFF$\0\0\0WAVEfmt ", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"MZ\x90\0\x03\0\0\0\x04\0"]
)
@given(rest=st.binary(min_size=200, max_size=400))
def test_no_program_or_picture_is_taken_for_utf_16(start: bytes, rest: bytes) -> None:
    with pytest.raises(CorpusError):
        decode(start + rest)


def test_at_most_2_mb() -> None:
    assert len(decode(b"ab" * (MAX_BYTES // 2))) == MAX_BYTES
    for refused in (b"ab" * (MAX_BYTES // 2) + b"a", b"\0" * (MAX_BYTES + 1)):
        with pytest.raises(CorpusError, match="at most 2 MB") as caught:
            decode(refused)
        assert caught.value.code == "corpus_too_large"
        assert caught.value.params["allowed"] == 2


def test_what_counts_is_the_size_of_the_file_given() -> None:
    # 2 bytes a character in GB18030, 3 in UTF-8
    text = SIMPLIFIED * 4000
    assert len(text.encode("gb18030")) < MAX_BYTES < len(text.encode())
    assert decode(text.encode("gb18030")) == text
    with pytest.raises(CorpusError, match=r"has 2\.5 MB; at most 2 MB"):
        decode(text.encode())


def test_a_text_received_from_elsewhere_is_held_to_2_mb_of_characters() -> None:
    assert len(clean("分" * MAX_BYTES)) == MAX_BYTES
    with pytest.raises(CorpusError, match="at most 2 MB"):
        clean("分" * (MAX_BYTES + 1))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "corpus_empty"),
        (" \n", "corpus_empty"),
        ("分\0开", "corpus_binary"),
        ("分\ud800开", "corpus_binary"),
        ("a" * (MAX_BYTES + 1), "corpus_too_large"),
        ("分" * (MAX_BYTES // 3 + 1), "corpus_too_large"),
    ],
)
def test_a_pasted_text_is_held_to_the_same(text: str, code: str) -> None:
    with pytest.raises(CorpusError) as caught:
        from_text(text)
    assert caught.value.code == code


def test_an_upload_and_a_paste_of_one_text_are_one_corpus() -> None:
    written = from_bytes(TRADITIONAL.replace("\n", "\r\n").encode("big5"), "雨.txt")
    assert written.name == from_text(TRADITIONAL, "雨.txt").name
    assert written == from_text(TRADITIONAL, "雨.txt")


def test_a_stray_control_character_is_forgiven() -> None:
    text = "one page\f" + "and another \x07 line\n" * 1 + "end\x1a"
    assert decode(text.encode()) == text


def test_chineseness_is_high_only_in_the_right_encoding() -> None:
    assert chineseness(SIMPLIFIED) > 1 < chineseness(TRADITIONAL)
    assert chineseness(TRADITIONAL.encode("big5").decode("gb18030")) < 0
    assert chineseness("plain ASCII") == 0
    assert [chineseness(c) for c in "的，彳é\ue4c6"] == [2, 1, -1, -1, -4]
    assert chineseness("鹏") == chineseness("鵬") == 0


@given(st.text(st.sampled_from("\ufeff\r\n a\u2028"), max_size=12))
def test_a_text_that_is_cleaned_again_stays_the_same(text: str) -> None:
    with suppress(CorpusError):  # only blanks
        once = clean(text)
        assert clean(once) == once
        assert not once.startswith("\ufeff")
