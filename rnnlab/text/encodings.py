"""Decoding of files with an undeclared encoding: UTF-8, UTF-16 with BOM, GB18030, Big5 or Windows-1252.

GB18030 and Big5 share nearly all of their byte pairs, so a file that is valid in one encoding is mostly valid in the
other, as rare characters, private-use code points and bits of foreign alphabets. Only the right encoding gives ordinary
Chinese: `chineseness` scores how common the decoded characters are.
"""

from __future__ import annotations

import codecs
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from rnnlab.errors import CorpusError

MAX_BYTES = 2 * 1024 * 1024
"""Largest accepted text, 2 MB."""

ENCODINGS = ("UTF-8", "UTF-16 with BOM", "GB18030", "Big5", "Windows-1252")
"""The encodings that `decode` accepts, as named in messages."""

# Below this mean score a text decoded as GB18030 or Big5 is taken for a misread text in another language. Measured: 300
# characters of lyrics, of classical verse and of program messages score 1.0 to 1.6, Korean and Japanese misread as
# GB18030 up to 0.6. Short texts vary more, so their threshold is lower.
_PLAUSIBLE, _PLAUSIBLE_SHORT, _SHORT = 0.7, 0.25, 100

# a text may contain a stray control character, a program or a picture contains many
_MAX_CONTROL_SHARE = 0.002
_TEXT_CONTROLS = frozenset("\t\n\r\f\v\x1a\x85")

_PUNCTUATION = frozenset("，。！？、；：「」『』“”‘’（）《》〈〉【】…—·～　．•‧﹣－")

# what a text in a western European language has beside ASCII, and by how much ASCII outweighs it at least
_WESTERN = frozenset(
    "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿŒœŠšŽžŸ‘’“”‚„–—…•‹›«»¿¡€£§©®°ªº´·†‡™‰\u00a0\u00ad"
)
_MAX_WESTERN_SHARE = 0.25

# a file is damaged UTF-8, and in no other encoding, if it has this many valid characters beyond ASCII for each bad byte
_VALID_PER_STRAY = 10

# about 600 characters that make up most of ordinary Chinese text, simplified and traditional
_COMMON = frozenset(
    "一万三上下不与且世业东丢两个中为主丽举么义之乐也乡书买了争事二于云五些交产亮亲人什今从他代以们件任会传伤但位低住体何作你使依便保信候假做停像儿先光克入全公共关其内再军冬决冷凌几出分切则利别到制前剧力劝"
    "加务动勇化北区十千半单卖南即却原去又及友双反发取受变口古句只叫可右叶司吃各合同名后向吗君吧听吹吻呀告员呢命和咱品响哥哦哪哭唱啊喊喜喝四回因国在地场坐块城基堂声处夏外多夜够大天太头奏女她好如妈妹姐子孤学"
    "孩它守安完定宝实客室家寂寒寞对导将小少尔就尽层展山屿岁岛工左己已市师带常平年并庄床应底度建开式弟张弦弯强归当形影往径待很得微德心必忆忘快念怀怎怕思性总恋您悲情想意感愿慢懂成我或战所手才打找把护报抱拉拥"
    "拿指据接提支放政故教敢散数文斯新方旁旅无日旧早时明昏星春昨是晚晨暖暗曲更曾最月有朋望期木本术机权村条来杯果柔柳树样格桥梦楼次欢欲歌正此死段母每比民气水永求江沙没河治法泪活流浅浪海深清温湖满滩火灭灯灰点"
    "烟热焰然照爱父爸片物牵特独王现球理琴生用田由电画界留痛白的目直相看真眼着睛睡知破确社神离秋种科秒程穷空穿窗立站章童笑第等管类系紫红纸终经结绕给绝统绿网美翁翅老者而聚能膀自至舍舟船色节花苦茶草落蓑蓝行街"
    "表被装西要见观规觉角解计认让记许论设识词诗话该说请课谁调谈谢谱象贝资赢走起越跑跟路踪身车转轻输边达过运近还这进远送途通遍道那部都酒醒里重野量金针钓钟错长门问间队阳院随难雨雪雾霜青静非面音领题风飞首马高"
    "鸟黄黑"
    "丟並來係個們傳傷兒內兩別則劇動務勸區卻員問喔喫單嗎國報場塊夠夢妳媽學實寶將對導層島嶼師帶幾張強彎後徑從愛憶應懷戀戰擁據數於時書會東條業樂樓樣樹橋機權歡歲歸氣決沒淚淺溫滅滿灘為無煙熱燈爭爲爾牀牽獨現產畫"
    "當發盡確種窮節紅紙終絃結絕給統經綠網總繞義聲聽與舉舊莊萬葉著藍處術裏裝裡見規親覺觀計記設許詞詩話該認說誰課調談請論謝識譜護變讓貝買資賣贏蹤車軍輕輸轉這進運過達遠還邊鄉針釣錯錶鐘長門開間關陽隊隨雙離難雲"
    "電霧靜響領頭題願類風飛馬體鳥麗麼黃點"
)


@dataclass(frozen=True)
class Note:
    """What had to be done to read a file; the page says it in the user's language.

    Attributes:
        code: key of the message.
        message: complete sentence in English.
        params: the values that the message mentions.
    """

    code: str
    message: str
    params: dict[str, Any] = field(default_factory=dict, hash=False)


def decode(data: bytes) -> str:
    r"""Decode `data`, with ``\n`` as line end; see `decode_noted`.

    Raises:
        CorpusError: as `decode_noted`.
    """
    return decode_noted(data)[0]


def decode_noted(data: bytes) -> tuple[str, tuple[Note, ...]]:
    r"""Decode `data`, with ``\n`` as line end, and return what had to be done for it.

    A byte-order mark decides. Without it, UTF-8 is tried first (other encodings are hardly ever valid UTF-8 by
    accident), then GB18030 and Big5, whichever gives more ordinary Chinese, then Windows-1252. The rest of a character
    that was cut off at the end is left out.

    Raises:
        CorpusError: empty, more than 2 MB, not text, UTF-8 with a stray byte, or in none of the encodings.
    """
    check_size(len(data))
    decoded = _decode_unicode(data)
    if decoded is None:
        decoded = _decode_chinese(data) or _decode_western(data)
    if decoded is None:
        raise CorpusError(
            "corpus_encoding",
            f"The encoding of the text is not supported; supported are: {', '.join(ENCODINGS)}. Save it as UTF-8.",
            allowed=", ".join(ENCODINGS),
        )
    return clean(decoded[0]), decoded[1]


def unmarked(data: bytes) -> str:
    """Return the text of a file that is Unicode but for damage: UTF-8 with or without byte-order mark, or UTF-16.

    It is for files whose content is checked elsewhere: bytes that are not valid become replacement characters.
    """
    utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return data.decode("utf-16" if utf16 else "utf-8-sig", "replace").removeprefix("\ufeff")


def clean(text: str) -> str:
    r"""Return a decoded, pasted or received text with ``\n`` as line end and without byte-order marks.

    Cleaning it again changes nothing, so that its name is the same wherever it is cleaned.

    Raises:
        CorpusError: only blanks, control characters as in a binary file, or so many characters that they take more
            than 2 MB in any encoding.
    """
    check_size(len(text))
    text = text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    counts = Counter(text)
    controls = sum(n for c, n in counts.items() if (c < " " or "\x7f" <= c <= "\x9f") and c not in _TEXT_CONTROLS)
    # half of a surrogate pair is not a character and cannot be stored
    if (
        "\0" in counts
        or controls > _MAX_CONTROL_SHARE * len(text) + 1
        or any("\ud800" <= c <= "\udfff" for c in counts)
    ):
        raise _binary()
    if not text.strip():
        check_size(0)
    return text


def check_size(num_bytes: int) -> None:
    """Raise an error for a text that is empty or larger than `MAX_BYTES`.

    Raises:
        CorpusError: ``corpus_empty`` or ``corpus_too_large``.
    """
    if num_bytes == 0:
        raise CorpusError("corpus_empty", "The text is empty. Provide a text with at least two different characters.")
    if num_bytes > MAX_BYTES:
        raise CorpusError(
            "corpus_too_large",
            f"The text has {num_bytes / 2**20:.1f} MB; at most {MAX_BYTES // 2**20} MB are allowed.",
            megabytes=round(num_bytes / 2**20, 1),
            allowed=MAX_BYTES // 2**20,
        )


def chineseness(text: str) -> float:
    """Score how much the non-ASCII characters of `text` look like ordinary Chinese, from -4 to 2; 0 without any.

    The score is the mean over these characters of: 2 for a very common character, 1 for punctuation, 0 for a character
    of the frequent levels of GB 2312 and Big5, -1 for any other, -4 for a private-use code point.
    """
    counts = Counter(text)
    scores = [(_score(c), n) for c, n in counts.items() if c > "\x7f"]
    total = sum(n for _, n in scores)
    return sum(score * n for score, n in scores) / total if total else 0.0


_Decoded = tuple[str, tuple[Note, ...]]
"""A text, and what had to be done to read it."""


def _decode_unicode(data: bytes) -> _Decoded | None:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        decoded = _try(data, "utf-16")
        if decoded is None:
            raise _binary()
        return decoded
    if b"\0" in data:  # text without a byte-order mark has no zero byte, nearly every other file has
        raise _binary()
    decoded = _try(data, "utf-8")
    # a text that only seems to be cut is in another encoding, whose last byte looks like the first of a character
    if decoded is not None and not (decoded[1] and decoded[0].isascii()):
        return decoded
    _check_stray(data)
    return None


def _check_stray(data: bytes) -> None:
    """Raise an error for UTF-8 with a few bytes that are not, which says where the first one is.

    Raises:
        CorpusError: ``corpus_stray_byte``.
    """
    stray = []
    text = data.decode("utf-8", "replace")
    valid = sum(character > "\x7f" and character != "\ufffd" for character in text)
    start = 0
    while start < len(data):
        try:
            data[start:].decode("utf-8")
        except UnicodeDecodeError as error:
            stray.append(start + error.start)
            start += max(error.end, 1)
        else:
            break
        if len(stray) * _VALID_PER_STRAY > valid:
            return
    if not stray:
        return
    first = stray[0]
    before = data[:first].decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    line = before.count("\n") + 1
    raise CorpusError(
        "corpus_stray_byte",
        f"The text is UTF-8, but {len(stray)} of its bytes are not; the first is byte {first + 1} (line {line}), "
        f"0x{data[first]:02X}. Remove what is there, or save the text as UTF-8 again.",
        count=len(stray),
        byte=first + 1,
        line=line,
        value=f"0x{data[first]:02X}",
    )


def _decode_chinese(data: bytes) -> _Decoded | None:
    # GB18030 first: it is more common and wins a tie; cp950 is Big5 on Windows, big5hkscs adds the characters of Hong
    # Kong
    big5 = _try(data, "cp950") or _try(data, "big5hkscs")
    candidates = [found for found in (_try(data, "gb18030"), big5) if found is not None]
    # one that is read whole comes before one that is cut
    best = max(candidates, key=lambda found: (not found[1], chineseness(found[0])), default=("", ()))
    threshold = _PLAUSIBLE if sum(c > "\x7f" for c in best[0]) >= _SHORT else _PLAUSIBLE_SHORT
    return best if best[0] and chineseness(best[0]) >= threshold else None


def _decode_western(data: bytes) -> _Decoded | None:
    decoded = _try(data, "cp1252")
    if decoded is None:
        return None
    beyond = [character for character in decoded[0] if character > "\x7f"]
    if len(beyond) > _MAX_WESTERN_SHARE * len(decoded[0]) or not _WESTERN.issuperset(beyond):
        return None
    message = "The text was read as Windows-1252, as older Windows programs write it."
    return decoded[0], (Note("corpus_western", message, {"encoding": "Windows-1252"}),)


def _try(data: bytes, encoding: str) -> _Decoded | None:
    """Return `data` decoded, without the part of a character that was cut off at the end; None if it is not valid."""
    try:
        return data.decode(encoding), ()
    except UnicodeDecodeError:
        pass
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        text = decoder.decode(data, final=False)
    except UnicodeDecodeError:
        return None
    cut = len(decoder.getstate()[0])
    if not text or not cut:
        return None
    message = "The file ends in the middle of a character, which was left out."
    return text, (Note("corpus_cut", message, {"bytes": cut}),)


def _binary() -> CorpusError:
    return CorpusError(
        "corpus_binary",
        f"This is not a text file. Provide plain text (.txt) in one of these encodings: {', '.join(ENCODINGS)}.",
        allowed=", ".join(ENCODINGS),
    )


def _score(character: str) -> int:
    if character in _COMMON:
        return 2
    if character in _PUNCTUATION:
        return 1
    if character in _frequent_levels() or character > "\uffff":
        return 0  # beyond the basic plane GB18030 needs four bytes in a strict pattern, so this is no accident
    return -4 if "\ue000" <= character <= "\uf8ff" else -1


@cache
def _frequent_levels() -> frozenset[str]:
    # both standards put their frequent characters first: level 1 of GB 2312 (3,755) and of Big5 (5,401)
    levels = {
        "gb2312": (range(0xB0, 0xD8), range(0xA1, 0xFF)),
        "big5": (range(0xA4, 0xC7), [*range(0x40, 0x7F), *range(0xA1, 0xFF)]),
    }
    pairs = ((encoding, bytes((lead, trail))) for encoding, (a, b) in levels.items() for lead in a for trail in b)
    characters = (pair.decode(encoding, "ignore") for encoding, pair in pairs)
    return frozenset(character for character in characters if character >= "\u4e00")  # Big5 ends its level with kana
