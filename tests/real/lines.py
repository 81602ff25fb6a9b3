"""Two hundred lines that tokenizers find hard: prose, numbers, code, scripts, emoji, control characters, random text."""
import random
import re
import unicodedata

from real_models import passages

WRITTEN = [
    "Hello, world!", "  two spaces before and after  ", "a", " ", "\t\ttabs\tand spaces \t", "I'm sure they'll say we've done it, don't you?",
    "I'M SURE THEY'LL SAY WE'VE DONE IT", "0", "7 77 777 7777", "3.14159265358979 and -1,234,567.89e-10", "2024-02-29T23:59:60Z",
    "١٢٣ ४५६ ௧௨௩ Ⅷ ½ ² ① 三", "x2y3z4", "def f(x):\treturn {k: v ** 2 for k, v in x.items()}  # squares",
    "for (int i = 0; i < n; ++i) { a[i] += b[i] << 2; }", "    if x == 1:", "<p class=\"a\">&nbsp;&amp;</p>",
    "SELECT * FROM jobs WHERE state = 'queued' -- \\o/", "https://example.org/a/b?c=d&e=%20#f", "user.name+tag@example.co.uk",
    "<|endoftext|>", "before<|im_start|>user<|im_end|>after", "<|endoftext|><|endoftext|> <|im_end|>", "<|not_a_token|> <|im_start |>",
    "[CLS] [SEP] [MASK] [UNK]", "x[MASK]y[PAD]", "[mask] [ MASK ]", "[[CLS]]",
    "Café naïve façade Ångström", "Cafe\u0301 nai\u0308ve A\u030angstro\u0308m", "ﬁne ﬂow ﬀ ﬃ Ǆ ǅ", "straße STRASSE ẞ", "İstanbul ıI iİ",
    "Привет, мир! Ещё раз.", "Καλημέρα κόσμε, ὁ λόγος", "שלום עולם", "مرحبا بالعالم ـــ", "नमस्ते दुनिया", "สวัสดีชาวโลก", "안녕하세요 세계",
    "こんにちは世界、カタカナ ﾊﾝｶｸ", "你好，世界！这是一个测试。", "中文abc混合123", "𠀀𠀁 𪛖 㐀", "👍👍🏽 👩‍👩‍👧‍👦 🇺🇸🇩🇪 ❤️ 1️⃣",
    "\U0001f600\U0001f601\U0001f602", "a\u200bb\u200cc\u200dd\ufeffe", "a\u00a0b\u2003c\u3000d", "soft\u00adhyphen", "\u0301\u0302\u0303 only marks",
    "z" + "\u0335\u0321\u0322\u0327\u0328\u0334" * 6, "bell\x07 null\x00 escape\x1b[0m delete\x7f", "\x01\x02\x03", "\ufffd\ufffe\uffff \U0010ffff",
    "private \ue000\uf8ff \U000f0000", "“quotes” ‘and’ — dashes – … • † ‡", "$100 €100 £100 ¥100 100% 100‰", "∀x∈ℝ: ⌈x⌉ = −⌊−x⌋ ⇒ ∑ ∫ √ ≠ ≤",
    "!!!???...,,,;;;:::", "~`@#$%^&*()_+-={}|[]\\:\";'<>?,./", "a/b\\c|d_e-f+g=h", "____ ---- ==== ####", "ends with a space ", "'s't're", "x" * 99,
    "y" * 101, "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft", "ab" * 300, "٠" * 30, "好" * 120, " " * 40 + "x",
    "two\nlines", "\n\n\n", "Windows\r\nends \r\n\r\n", "if x:\n    return\n\n\tpass\n", "a\u2028b\u2029c\x85d\x0be\x0cf",
]
ALPHABETS = [
    "abcdefghijklmnopqrstuvwxyz     ", "ABCxyz019 .,'-", "0123456789 .", "éèüñçøåß ąęłżó", "абвгдежзиклмн ", "你好世界天地人日月山 ab",
    "😀🎉👍🏽\u200d❤️ a", "\u0300\u0301\u0323\u05b0\u064b\u0941ab ", " \t\u00a0\u2009\u3000x", "(){}[]<>=+-*/%&|^~!?:;#@$'\"\\`",
]


def any_character(draw):
    """Any assigned one but surrogates: what an unassigned one is depends on the Unicode version."""
    while True:
        character = chr(draw.choice((draw.randrange(0x20, 0x250), draw.randrange(0x3000), draw.randrange(0x30000))))
        if unicodedata.category(character) not in ("Cn", "Cs"):
            return character


def random_lines(count, seed=20241021):
    draw = random.Random(seed)
    for index in range(count - count // 3):
        alphabet = ALPHABETS[index % len(ALPHABETS)]
        yield "".join(draw.choice(alphabet) for _ in range(draw.randint(1, 80)))
    for _ in range(count // 3):
        yield "".join(any_character(draw) for _ in range(40))


def lines(count=200):
    prose = [sentence for passage in passages()[:12] for sentence in re.split(r"(?<=[.;]) ", passage)]
    some = WRITTEN + prose[:50]
    return some + list(random_lines(count - len(some)))
