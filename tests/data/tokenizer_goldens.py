#!/usr/bin/env python3
"""Writes tokenizer/: what Hugging Face's tokenizers make of hostile lines and of the corpus.

    python tokenizer_goldens.py        (after train.py; reads the main revision and corpus/ beside this file)

tokenizer_goldens.jsonl and corpus_goldens.jsonl hold one {"text"|"id", "ids"} a line. merges_as_strings.json is the
same tokenizer in the older form, whose merges are "a b" and not ["a", "b"]: it must give the same ids.
"""

import json
import random
from pathlib import Path

from tokenizers import Tokenizer

HERE = Path(__file__).parent

WRITTEN = [
    # Nothing, white space, line ends.
    "", " ", "  ", "   ", "    ", "        ", "         ", " " * 17, " " * 64, "\t", "\t\t", "\n", "\n\n", "\r\n",
    "\r", " \n ", "\n \n", "\t \t", "a\n\nb", "a\n \nb", "a \n b", "a\r\nb", "a  \r\n\r\n  b", "\x0b\x0c",
    " leading", "  leading", "   leading", "\tleading", "trailing ", "trailing  ", "trailing\n", "trailing \n\n ",
    "in  the   middle    of     a      line", "a b  c   d    e     f      g       h        i         j",
    " . ", "  .", ".  ", "   !!!   ???   ",
    # White space that is not ASCII: some of it is \\s, some is not.
    "no\u00a0break", "\u00a0", "\u00a0\u00a0x", "x \u00a0 y", "thin\u2009space", "em\u2003space", "ideographic\u3000space",
    "line\u2028separator", "paragraph\u2029separator", "next\u0085line", "ogham\u1680mark", "zero\u200bwidth",
    "word\u2060joiner", "\ufeffbyte order mark", "narrow\u202fspace", "mongolian\u180evowel", "\u2000\u2001 \u2002",
    "\x1c\x1d\x1e\x1f", "a\x1cb", "a \x1f b",
    # Words of the novels, capitals, apostrophes, quotes.
    "It is a truth universally acknowledged, that a single man in possession of a good fortune, must be in want of a wife.",
    "EMMA WOODHOUSE, HANDSOME, CLEVER, AND RICH", "eMMa wOODhouse", "Mr. Elliot's; Mrs. Croft's!", "I'm I've I'll I'd",
    "don't can't won't shan't", "DON'T CAN'T I'LL WE'VE", "it's 's 'S 't 're 've 'm 'll 'd", "'s'", "''s", "'sword 'tis 'rest",
    "we’re it’s ‘quoted’ “double”", "rock'n'roll o'clock", "'", "''", "'''", "' s", "x's's's", "l'll'll",
    "_italics_ and __more__", "well-bred, half-a-crown--dash---dash", "a—b–c―d", "(parenthesis) [brackets] {braces}", "wait...what?!",
    "Pneumonoultramicroscopicsilicovolcanoconiosis", "a" * 300, "ab" * 200, "Antidisestablishmentarianism" * 12, "." * 200, "-" * 97,
    "!?" * 60, "=" * 80, "aA" * 75, "the" * 100, " the" * 100, "e" * 1000,
    # Numbers.
    "0", "1818", "March 1, 1760", "3.14159265358979", "1,000,000", "1e-10", "0x1F600", "100000000000000000000000", "7" * 100,
    "a1b2c3", "1st 2nd 3rd", "½ ¼ ¾", "²³¹ x₁₂", "Ⅷ ⅻ ↂ", "٠١٢٣٤٥٦٧٨٩", "०१२३", "一二三", "①②③ ⑩", "𝟘𝟙𝟚𝟛", "৪২", "£10,000 a year", "50%",
    # Code and marks.
    "for (int i = 0; i < n; ++i) {\n    sum += a[i];\n}", "def f(x):\n\treturn x ** 2  # square\n", "<html><body class=\"x\">&nbsp;</body></html>",
    "https://example.org/a/b?c=d&e=%20#f", "user.name+tag@example.co.uk", "C:\\Users\\Emma\\novel.txt", "\\n\\t\\u0041", "$HOME/.cache/*",
    "a==b!=c<=d>=e&&f||g", "::->=>|>~@#^`", "SELECT * FROM t WHERE x='y';--", "{\"key\": [1, 2, null]}", "/* comment */ // end",
    # Accents: composed, decomposed, several marks, orders that NFC changes, compositions NFC excludes.
    "café", "cafe\u0301", "naïve", "nai\u0308ve", "Å \u212b A\u030a", "\u1e9b\u0323", "q\u0307\u0323", "q\u0323\u0307", "\u0344", "\u0958 \u0915\u093c",
    "\u2126 \u03a9", "\ufb01 ﬁ ﬀ", "ǆ ǅ Ǆ", "a\u0300\u0301\u0302\u0303\u0304\u0305\u0306\u0307", "\u0301alone", " \u0301after space", "e\u0301" * 40,
    "Z\u0351\u0352a\u0353\u0354l\u0355\u0356g\u0357\u0358o", "Việt Nam Vie\u0323\u0302t", "İstanbul ıssız", "straße STRASSE ẞ", "Łódź", "Ærøskøbing",
    "\u1100\u1161\u11a8", "각", "\u1112\u1161\u11ab\u1100\u1173\u11af", "\u0ba8\u0bbf", "\u0e01\u0e33", "\U0001d15e", "\u2adc", "\u0f71\u0f72\u0f74",
    # Scripts.
    "Привет, мир", "Γειά σου Κόσμε", "שלום עולם", "שָׁלוֹם", "مرحبا بالعالم", "مُحَمَّد", "नमस्ते दुनिया", "สวัสดีชาวโลก", "こんにちは世界", "ｶﾀｶﾅ ﾊﾝｶｸ", "你好,世界。", "안녕하세요 세계",
    "ＦＵＬＬ ｗｉｄｔｈ １２３", "ႠႡႢ ა ბ", "𐌰𐌱𐌲 𐍈", "𓀀𓁐", "𠀀𠀁𪛖", "﷽", "ꙮ", "ᚠᚢᚦ", "ሰላም", "ᏣᎳᎩ", "mixed Русский中文English",
    # Symbols and emoji.
    "😀", "😀😃😄", "👍🏽", "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇬🇧🇮🇹", "❤️ ❤", "1️⃣", "🧑‍🚀 in space", "a😀b", " 😀 ", "⛄☃", "♠♣♥♦", "∀x∈ℝ: x²≥0", "→⇒↔", "™©®", "🫠🪿",
    # Control, private, unassigned, noncharacters, format characters.
    "\x00", "nul\x00inside", "\x01\x02\x03", "\x07bell", "\x1b[31mred\x1b[0m", "\x7f", "\x80\x9f", "\ue000", "\uffff", "\ufffe", "\ufffd", "\U0010ffff",
    "\U000e0041\U000e007f", "\u0378", "soft\u00adhyphen", "\u200e\u200fmarks", "\u202eoverride\u202c", "\u200d", "\u200c", "\ufe0f",
    # Added tokens inside text.
    "<|endoftext|>", "<|endoftext|><|endoftext|>", "end.<|endoftext|>Begin", "end. <|endoftext|> Begin", "  <|endoftext|>  ", "<|padding|>",
    "x<|padding|>y", "<|endoftext|", "<|ENDOFTEXT|>", "< |endoftext|>", "<|<|endoftext|>|>", "<|endoftext|>\n\n<|endoftext|>",
    "<|endoftext|>\u0301", "e<|endoftext|>\u0301", "<|end\u200boftext|>", "\t  \t  x", "  \n  x", "x  \n", "x \n  y", "   <|padding|>    z",
]


def generated():
    """Lines drawn from a mixture of alphabets, among them the places where the rules meet."""
    chance = random.Random(1775)
    alphabets = [
        " \t\n\r  ", "abcXYZ", "0123456789", "'\"_-.,;:!?", "éàüñßøÅ", "\u0300\u0301\u0323\u0327\u093c", "日本語中文字", "кириллица", "😀👍🏽\u200d\ufe0f", "\u00a0\u2003\u3000\u0085",
        "\u1100\u1161\u11a8각", "ا\u064eب\u0651", "\x00\x1f\x7f\u200b\ufeff", "²½Ⅷ٣", "𝟘𠀀\U0010ffff",
    ]
    for _ in range(60):
        chosen = chance.sample(alphabets, 4) + [" '", "<|"]
        pieces = [chance.choice(chance.choice(chosen)) * chance.choice([1, 1, 1, 2, 3]) for _ in range(chance.randrange(1, 60))]
        if chance.random() < 0.3:
            pieces.insert(chance.randrange(len(pieces) + 1), chance.choice(["<|endoftext|>", "'ll", "'s", "   ", "<|padding|>"]))
        yield "".join(pieces)


def write_lines(path, values):
    path.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="ascii")


def main():
    root = HERE / "hub" / "models--ondelette--austen-1m"
    source = root / "snapshots" / (root / "refs" / "main").read_text() / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(source))
    out = HERE / "tokenizer"
    out.mkdir(exist_ok=True)

    older = json.loads(source.read_text(encoding="utf-8"))
    older["model"]["merges"] = [" ".join(pair) for pair in older["model"]["merges"]]
    (out / "merges_as_strings.json").write_text(json.dumps(older, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    other = Tokenizer.from_file(str(out / "merges_as_strings.json"))

    lines = [*WRITTEN, *generated()]
    for line in lines:
        if other.encode(line).ids != tokenizer.encode(line).ids:
            raise ValueError(f"the two forms of the tokenizer disagree on {line!r}")
    write_lines(out / "tokenizer_goldens.jsonl", ({"text": line, "ids": tokenizer.encode(line).ids} for line in lines))

    corpus = (HERE / "corpus" / "austen-held-out.jsonl").read_text(encoding="utf-8").splitlines()
    passages = [json.loads(line) for line in corpus]
    write_lines(out / "corpus_goldens.jsonl", ({"id": p["id"], "ids": tokenizer.encode(p["text"]).ids} for p in passages))
    lengths = sorted(len(tokenizer.encode(p["text"]).ids) for p in passages)
    print(f"{len(lines)} lines; {len(passages)} passages of {lengths[0]} to {lengths[-1]} tokens")


if __name__ == "__main__":
    main()
