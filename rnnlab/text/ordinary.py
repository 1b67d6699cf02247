"""How much a text looks like ordinary text in a language: what tells the encodings of its file apart.

Most files that are valid in one encoding are valid in others too, as rare characters, private-use code points and bits
of foreign alphabets. Only the right encoding gives what people write. The scores of all languages have one scale, so
that readings in different languages can be compared.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable
from functools import cache

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

# about 200 syllables that make up most of ordinary Korean text
_SYLLABLES = frozenset(
    "이다는에가고을은의기지사리아나인하로시어도자대해그여부전정장주서스보일원제한상수구를있라들과만면것거적저게오와었니내안우동위성신소실조무공"
    "경중간용요세화학생력년문진국회모던할되으려같까말때음물않없했습데본연계작비방행발반선명야외각개더두며미바배분식심업영예유입재점직차체터통표품"
    "필형호파일열린르출쓰합잘못름령마크포설관완추록새줄찾변값번앞뒤속길밤날노래늘집눈봄꽃"
)
# of 10,000 letters of Russian text, how many are which (Russian National Corpus; ё, which many write as е, is rarer)
_CYRILLIC = {
    "о": 1097, "е": 845, "а": 801, "и": 735, "н": 670, "т": 626, "с": 547, "р": 473, "в": 454, "л": 440, "к": 349,
    "м": 321, "д": 298, "п": 281, "у": 262, "я": 201, "ы": 190, "ь": 174, "г": 170, "з": 165, "б": 159, "ч": 144,
    "й": 121, "х": 97, "ж": 94, "ш": 73, "ю": 64, "ц": 48, "щ": 36, "э": 32, "ф": 26, "ё": 16, "ъ": 4,
}  # fmt: skip


def chineseness(text: str) -> float:
    """Score how much the non-ASCII characters of `text` look like ordinary Chinese, from -4 to 2; 0 without any.

    The score is the mean over these characters of: 2 for a very common character, 1 for punctuation, 0 for a character
    of the frequent levels of GB 2312 and Big5, -1 for any other, -4 for a private-use code point.
    """
    return _mean(text, _chinese)


def japaneseness(text: str) -> float:
    """Score how much the non-ASCII characters of `text` look like ordinary Japanese, as `chineseness` does.

    Hiragana count 2, katakana and punctuation 1, the first level of JIS X 0208 0. Without enough hiragana it is -1.
    """
    beyond = [character for character in text if character > "\x7f"]
    if sum("\u3041" <= character <= "\u3093" for character in beyond) < _MIN_HIRAGANA * len(beyond):
        return -1.0
    return _mean(text, _japanese)


def koreanness(text: str) -> float:
    """Score how much the non-ASCII characters of `text` look like ordinary Korean, as `chineseness` does.

    A very common syllable counts 2, punctuation 1, any other syllable of KS X 1001 0.
    """
    return _mean(text, _korean)


def russianness(text: str) -> float:
    """Score how much the non-ASCII characters of `text` look like ordinary Russian, as `chineseness` does.

    A letter, small or capital, counts from 1.6 for the most common to -0.3 for the rarest, punctuation 1. Windows-1251
    and KOI8-R have small and capital letters in each other's places, in another order: where a text looks as ordinary
    in both, small letters count more, by half a letter in the whole text. With too many other letters it is -1, as
    single bytes are letters in these encodings whatever they mean.
    """
    letters = [character for character in text if character.isalpha()]
    russian = sum(character.lower() in _CYRILLIC for character in letters)
    if russian < _MIN_CYRILLIC * len(letters) or len(_CAPITAL_INSIDE.findall(text)) > _MAX_CAPITALS_INSIDE * russian:
        return -1.0
    capitals = sum(character.isupper() and character > "\x7f" for character in letters)
    return _mean(text, _russian) - (_FOR_CASE * capitals / russian**2 if russian else 0.0)


_FOR_CASE = 0.5
_MIN_HIRAGANA = 0.2
_MIN_CYRILLIC, _MAX_CAPITALS_INSIDE = 0.5, 0.05
_CAPITAL_INSIDE = re.compile("[а-яё][А-ЯЁ]")


def _mean(text: str, score: Callable[[str], float]) -> float:
    scores = [(score(character), count) for character, count in Counter(text).items() if character > "\x7f"]
    total = sum(count for _, count in scores)
    return sum(value * count for value, count in scores) / total if total else 0.0


def _chinese(character: str) -> int:
    if character in _COMMON:
        return 2
    if character in _PUNCTUATION:
        return 1
    if character in _levels("gb2312", 0xB0, 0xD8) or character in _big5_level() or character > "\uffff":
        return 0  # beyond the basic plane GB18030 needs four bytes in a strict pattern, so this is no accident
    return _other(character)


def _japanese(character: str) -> int:
    if "\u3041" <= character <= "\u3093":
        return 2
    if character in _PUNCTUATION or "\u30a1" <= character <= "\u30fe":
        return 1
    return 0 if character in _levels("euc_jp", 0xB0, 0xD0) else _other(character)


def _korean(character: str) -> int:
    if character in _SYLLABLES:
        return 2
    if character in _PUNCTUATION:
        return 1
    return 0 if character in _levels("euc_kr", 0xB0, 0xC9) else _other(character)


def _russian(character: str) -> float:
    if (share := _CYRILLIC.get(character.lower())) is not None:
        return 0.8 * math.log10(share / 10)
    return 1 if character in _PUNCTUATION or character in "«»„–№\u00a0" else _other(character)


def _other(character: str) -> int:
    return -4 if "\ue000" <= character <= "\uf8ff" else -1


@cache
def _levels(encoding: str, first: int, last: int) -> frozenset[str]:
    """Return the characters of a national standard whose first byte is from `first` to before `last`.

    The standards put their frequent characters first: 3,755 in GB 2312, 2,965 in JIS X 0208, 2,350 in KS X 1001.
    """
    pairs = (bytes((lead, trail)) for lead in range(first, last) for trail in range(0xA1, 0xFF))
    return frozenset(pair.decode(encoding, "ignore") for pair in pairs)


@cache
def _big5_level() -> frozenset[str]:
    pairs = (bytes((lead, trail)) for lead in range(0xA4, 0xC7) for trail in [*range(0x40, 0x7F), *range(0xA1, 0xFF)])
    characters = (pair.decode("big5", "ignore") for pair in pairs)
    return frozenset(character for character in characters if character >= "\u4e00")  # the level ends with kana
