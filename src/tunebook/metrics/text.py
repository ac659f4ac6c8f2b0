"""Text for metrics: languages, words of any script, answers as SQuAD compares them."""

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Sequence

import regex

THREE_LETTERS = {"eng": "en", "cmn": "zh", "zho": "zh", "jpn": "ja", "kor": "ko"}
WRITTEN_WITHOUT_SPACES = ("zh", "ja")

_IDEOGRAPHS = r"\p{Han}\p{Hiragana}\p{Katakana}ーｰ"
_JOINERS = r"\u200c\u200d"  # inside Persian and Indic words
_IDEOGRAPH = regex.compile(rf"([{_IDEOGRAPHS}]\p{{M}}*)")
_WORD = regex.compile(
    rf"(?V1)[[\p{{L}}\p{{N}}]&&[{_IDEOGRAPHS}]]\p{{M}}*"
    rf"|[[\p{{L}}\p{{N}}]--[{_IDEOGRAPHS}]][[\p{{L}}\p{{M}}\p{{N}}{_JOINERS}]--[{_IDEOGRAPHS}]]*"
)
_ENGLISH_ARTICLE = re.compile(r"\b(a|an|the)\b")
_ASCII_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ANY_PUNCTUATION = regex.compile(r"\p{P}")


def primary_language(code: str) -> str:
    """The short code of a language: "zh" for "zh-CN", "zh_Hans", "ZH" and "cmn".

    Raises:
        ValueError: not two or three letters, as in "Chinese".
    """
    first = code.replace("_", "-").split("-")[0].lower()
    if not re.fullmatch("[a-z]{2,3}", first):
        raise ValueError(f"language {code!r} is not a language code; give one such as en, fr, zh")
    return THREE_LETTERS.get(first, first)


def words(text: str) -> list[str]:
    """Words of any script in Unicode form NFC, case-folded, without punctuation.

    Accents and vowel signs stay in their words; each Chinese character and kana is a word. On
    English in ASCII this equals rouge_score's own tokenizer without stemming.
    """
    return list(_WORD.findall(unicodedata.normalize("NFC", text.casefold())))


def answer_tokens(text: str, language: str) -> list[str]:
    """Tokens of an answer, normalised: lower case, no punctuation, split at whitespace.

    English is SQuAD's normalize_answer to the letter: ASCII punctuation and the articles a, an,
    the are dropped (Rajpurkar et al., 2016). Other languages lose all Unicode punctuation and no
    articles (Lewis et al., 2020), and Chinese and Japanese are split into characters around whole
    words of other scripts (Cui et al., 2019).
    """
    text = text.lower()
    if language == "en":
        return _ENGLISH_ARTICLE.sub(" ", text.translate(_ASCII_PUNCTUATION)).split()
    text = _ANY_PUNCTUATION.sub("", unicodedata.normalize("NFC", text))
    text = text.translate(_ASCII_PUNCTUATION)
    if language in WRITTEN_WITHOUT_SPACES:
        text = _IDEOGRAPH.sub(r" \1 ", text)
    return text.split()


def token_f1(prediction: Sequence[str], reference: Sequence[str]) -> float:
    """F1 of two bags of tokens, from 0 to 1; 0 where they share none (Rajpurkar et al., 2016)."""
    shared = sum((Counter(prediction) & Counter(reference)).values())
    return 2 * shared / (len(prediction) + len(reference)) if shared else 0.0
