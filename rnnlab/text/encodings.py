"""Decoding of text files with an undeclared encoding: UTF-8, UTF-16 with BOM, GB18030 or Big5.

GB18030 and Big5 share nearly all of their byte pairs, so a file that is valid in one encoding is mostly valid in the
other, as rare characters, private-use code points and bits of foreign alphabets. Only the right encoding gives ordinary
Chinese: `chineseness` scores how common the decoded characters are.
"""

from __future__ import annotations

import codecs
from collections import Counter
from functools import cache

from rnnlab.errors import CorpusError

MAX_BYTES = 2 * 1024 * 1024
"""Largest accepted text, 2 MB."""

ENCODINGS = ("UTF-8", "UTF-16 with BOM", "GB18030", "Big5")
"""The encodings that `decode` accepts, as named in messages."""

# Below this mean score a text decoded as GB18030 or Big5 is taken for a misread text in another language. Measured: 300
# characters of lyrics, of classical verse and of program messages score 1.0 to 1.6, Korean and Japanese misread as
# GB18030 up to 0.6. Short texts vary more, so their threshold is lower.
_PLAUSIBLE, _PLAUSIBLE_SHORT, _SHORT = 0.7, 0.25, 100

# a text may contain a stray control character, a program or a picture contains many
_MAX_CONTROL_SHARE = 0.002
_TEXT_CONTROLS = frozenset("\t\n\r\f\v\x1a\x85")

_PUNCTUATION = frozenset("，。！？、；：「」『』“”‘’（）《》〈〉【】…—·～　．•‧﹣－")

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


def decode(data: bytes) -> str:
    r"""Decode `data`, with ``\n`` as line end.

    A byte-order mark decides. Without it, UTF-8 is tried first (other encodings are hardly ever valid UTF-8 by
    accident), then GB18030 and Big5, whichever gives more ordinary Chinese.

    Raises:
        CorpusError: empty, more than 2 MB, not text, or in none of the encodings.
    """
    check_size(len(data))
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = _try(data, "utf-16")
        if text is None:
            raise _binary()
        return clean(text)
    if b"\0" in data:  # text without a byte-order mark has no zero byte, nearly every other file has
        raise _binary()
    text = _try(data, "utf-8")
    return clean(text if text is not None else _decode_chinese(data))


def clean(text: str) -> str:
    r"""Return a decoded, pasted or received text with ``\n`` as line end and without byte-order mark.

    Raises:
        CorpusError: only blanks, control characters as in a binary file, or so many characters that they take more
            than 2 MB in any encoding.
    """
    check_size(len(text))
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
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


def _decode_chinese(data: bytes) -> str:
    # GB18030 first: it is more common and wins a tie; cp950 is Big5 on Windows, big5hkscs adds the characters of Hong
    # Kong
    big5 = _try(data, "cp950") or _try(data, "big5hkscs")
    candidates = [text for text in (_try(data, "gb18030"), big5) if text is not None]
    best = max(candidates, key=chineseness, default="")
    threshold = _PLAUSIBLE if sum(c > "\x7f" for c in best) >= _SHORT else _PLAUSIBLE_SHORT
    if not best or chineseness(best) < threshold:
        raise CorpusError(
            "corpus_encoding",
            f"The encoding of the text is not supported; supported are: {', '.join(ENCODINGS)}. Save it as UTF-8.",
            allowed=", ".join(ENCODINGS),
        )
    return best


def _try(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


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
