"""Makes the tokenizers of this folder and the ids that Hugging Face's `tokenizers` gives for hostile lines.

    python make_goldens.py train TEXT...   trains neox/tokenizer.json on the given text files, and its variants
    python make_goldens.py goldens         rewrites every goldens.jsonl from the tokenizers that are here
    python make_goldens.py ids             rewrites lines.jsonl, and ids.jsonl of the tokenizers that kinds.py trained
    python make_goldens.py lines DIR N SEED  prints N random lines and their ids, for a comparison at large

Each folder holds a tokenizer.json and goldens.jsonl, lines of {"text", "ids"}:
    neox          GPT-NeoX's form: NFC, ByteLevel, merges as "a b", <|endoftext|> and runs of spaces added
    pairs         the same with merges as ["a", "b"]
    prefix-space  the same with add_prefix_space
    added         the same with added tokens of every kind: single_word, lstrip, rstrip, normalized, overlapping
    llama3        Llama 3's pattern in a Split, ignore_merges, and a template that adds tokens at both ends
    qwen2         Qwen 2.5's pattern in a Split
    unknown       no byte alphabet: characters that the vocabulary lacks become one unk_token
Made with tokenizers 0.23 from Debian's /usr/share/common-licenses/GPL-3, Apache-2.0 and MPL-1.1.
"""

import copy
import json
import pathlib
import random
import sys
import unicodedata

import hugging_face
import lines as hard_lines
import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

HERE = pathlib.Path(__file__).parent
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")


def added(number, content, **flags):
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False}
    return {"id": number, "content": content} | plain | flags


def train(paths):
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=800,
        special_tokens=["<|endoftext|>", "<|padding|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train(paths, trainer)
    form = json.loads(tokenizer.to_str())
    form["model"]["merges"] = [" ".join(pair) for pair in form["model"]["merges"]]
    form["post_processor"] = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    size = len(form["model"]["vocab"])
    form["added_tokens"] += [added(size + n, " " * (24 - n), normalized=True) for n in range(23)]
    return form


def split(pattern):
    bytes_only = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    cut = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
    return {"type": "Sequence", "pretokenizers": [cut, bytes_only]}


def variants(neox):
    made = {name: copy.deepcopy(neox) for name in ("pairs", "prefix-space", "added", "llama3", "qwen2", "unknown")}
    made["pairs"]["model"]["merges"] = [merge.split(" ") for merge in neox["model"]["merges"]]
    made["prefix-space"]["pre_tokenizer"]["add_prefix_space"] = True
    size = len(neox["model"]["vocab"]) + 23
    made["added"]["added_tokens"] += [
        added(size, "<mask>", lstrip=True, special=True),
        added(size + 1, "<right>", rstrip=True),
        added(size + 2, "<both>", lstrip=True, rstrip=True, normalized=True),
        added(size + 3, "word", single_word=True),
        added(size + 4, "Caf\u0065\u0301", normalized=True),
        added(size + 5, "<mask><mask>"),
        added(size + 6, "wordy", normalized=True, single_word=True),
        added(size + 7, " <right>"),
        added(size + 8, "\u0153", single_word=True, lstrip=True),
    ]
    start = {"SpecialToken": {"id": "<|endoftext|>", "type_id": 0}}
    end = {"SpecialToken": {"id": "end", "type_id": 0}}
    text = {"Sequence": {"id": "A", "type_id": 0}}
    template = {
        "type": "TemplateProcessing",
        "single": [start, text, end],
        "pair": [text, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {
            "<|endoftext|>": {"id": "<|endoftext|>", "ids": [0], "tokens": ["<|endoftext|>"]},
            "end": {"id": "end", "ids": [1, 0], "tokens": ["<|padding|>", "<|endoftext|>"]},
        },
    }
    made["llama3"] |= {"normalizer": None, "pre_tokenizer": split(LLAMA3)}
    made["llama3"]["post_processor"] = {"type": "Sequence", "processors": [neox["post_processor"], template]}
    made["llama3"]["model"]["ignore_merges"] = True
    # Only ignore_merges reaches this token: no merge makes it.
    made["llama3"]["model"]["vocab"]["\u0120whole"] = size - 23
    for token in made["llama3"]["added_tokens"][2:]:
        token["id"] += 1
    made["qwen2"]["pre_tokenizer"] = split(QWEN2)
    letters = {chr(code): code - 96 for code in range(97, 123)} | {"<unk>": 0, "th": 27, "the": 28, "a<unk>": 29}
    made["unknown"] |= {"normalizer": None, "post_processor": None, "added_tokens": []}
    made["unknown"]["pre_tokenizer"] = {
        "type": "Split", "pattern": {"String": " "}, "behavior": "Removed", "invert": False
    }
    made["unknown"]["model"] |= {
        "vocab": letters, "merges": ["t h", "th e", "a <unk>"], "unk_token": "<unk>", "fuse_unk": True
    }
    return made


HAND_WRITTEN = [
    "", " ", "  ", "   ", "\n", "\r\n", "\t\t", " \n \n", "\u00a0", "\u3000\u2003 x", "a", " a", "a ", "  a  ", "\x00", "\x7f\x1b[0m",
    "Hello, world!", "don't you're I'll we've I'm he'd it's O'Neill 'tis DON'T 'S 'Re it\u2019s", "''s 'sss '", "I'LL'\u017f",
    "1 12 123 1234 12345678901234567890 3.14159e-10 0xFF \u0663\u0664 \u2167 \u00b2\u00b3 \u00bd",
    "def f(x):\n    return [i ** 2 for i in range(x)]  # comment\n\n\n\tif x: pass\n", "a" * 300, "ab" * 500, "=" * 200,
    " " * 23, " " * 24, " " * 25, " " * 100 + "x", "x" + " " * 77, "\n" * 50, "\t \t \t", " \u00a0 \u2028 \u2029 \u0085 \x0b \x0c \x1c \x1d \x1e \x1f ",
    "\u200b\u200c\u200d\u2060\ufeff", "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 \U0001f1e9\U0001f1ea \u2764\ufe0f",
    "e\u0301 \u00e9 A\u030a \u212b \u1100\u1161\u11a8 \uac01 \u0344 \u0958 \u2126 q\u0307\u0323 \u1e0b\u0323", "\u0301\u0302 start", "v\u0301\u0c3c\u0301 \u032f\u035d\u0d3b q\u0301\u0323\u0c3c", "a" + "\u0301" * 60,
    "\u4e2d\u6587\u5b57\u7b26 \u65e5\u672c\u8a9e\u306e\u30c6\u30ad\u30b9\u30c8 \ud55c\uad6d\uc5b4", "\u0417\u0434\u0440\u0430\u0432\u0441\u0442\u0432\u0443\u0439 \u0645\u0631\u062d\u0628\u0627 \u05e9\u05dc\u05d5\u05dd \u0928\u092e\u0938\u094d\u0924\u0947",
    "<|endoftext|>", "a<|endoftext|>b", " <|endoftext|> ", "<|endoftext|><|endoftext|>", "<|endoftext|", "<|ENDOFTEXT|>", "x <|padding|>\n<|endoftext|>y",
    "<mask>", "a <mask> b", "a  <mask><mask>  <mask>", "\u2003<mask>\u2003x", "<right>   b", "a <right>\n\n <right> c", "a  <both>  <both>  b", "<mask> <both>",
    "word", "a word.", "swordfish", "word_", "_word word1 word\u0301 word\u200d word-word", "wordy wordyword wordy", "wordword word",
    "Cafe\u0301 Caf\u00e9 caf\u00e9", " \u0153 \u0153\u0153 o\u0153 \u0153.", "<right> <right>", "a <right> <mask>",
    "whole the whole", "the thee ath a\u00e9 a\u00e9\u00e9 \u00e9\u00e9the", "\ufffd \ufffe \uffff \U0010ffff \ue000 \U000e0001", "\ufb01 \ufdfa \u1e9b\u0323",
    "https://example.org/a?b=c&d=%20#e", "{\"key\": [1, 2, {\"a\": null}]}", "\\n\\t\\\\", "$x^2 + y_{i}$ \u2211\u222b\u221e\u2260", "\u0130\u0131\u00df\u1e9e\u01c5",
]
WORDS = "the The license licensed work works software free Program and's can't <mask> <right> <both> word wordy <|endoftext|> 1989 v3.0".split()
RANGES = [(0, 0x7F), (0x80, 0x24F), (0x300, 0x36F), (0x370, 0x52F), (0x590, 0x6FF), (0x900, 0xDFF), (0x1100, 0x11FF), (0x2000, 0x206F),
          (0x2100, 0x2BFF), (0x3000, 0x30FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0xF900, 0xFFFF), (0x10000, 0x1FFFF), (0xE0000, 0xE01EF)]


def character(rng):
    while True:
        code = rng.randint(*rng.choice(RANGES))
        # Python and ICU know Unicode 15 or so, `tokenizers` may know more: keep to what all of them know.
        if not 0xD800 <= code <= 0xDFFF and unicodedata.category(chr(code)) != "Cn":
            return chr(code)


def random_line(rng):
    kind = rng.randrange(5)
    if kind == 0:
        return "".join(character(rng) for _ in range(rng.randrange(1, 20)))
    if kind == 1:
        return "".join(rng.choice(WORDS) + rng.choice(["", " ", "  ", "\n", "\u00a0", ", ", "\t "]) for _ in range(rng.randrange(1, 15)))
    if kind == 2:
        return "".join(rng.choice(" \n\r\t\u00a0\u2003\u3000\u0085x1.'\u00e9") for _ in range(rng.randrange(1, 40)))
    if kind == 3:
        return "".join(rng.choice(" \u0301ae'sltrdvm<>|19\u4e2d") for _ in range(rng.randrange(1, 40)))
    return "".join(rng.choice([character(rng), rng.choice(WORDS), " ", "\u0301"]) for _ in range(rng.randrange(1, 16)))


def lines(count, seed):
    rng = random.Random(seed)
    return [random_line(rng) for _ in range(count)]


IDS_LINES = 300


def write_ids():
    texts = [text[:60] for text in HAND_WRITTEN + hard_lines.lines(IDS_LINES - len(HAND_WRITTEN), 5)]  # short ones: they are committed
    (HERE / "lines.jsonl").write_text("".join(json.dumps({"text": text}, separators=(",", ":")) + "\n" for text in texts))
    for folder in sorted(path for path in HERE.iterdir() if path.is_dir() and path.name != "__pycache__"):
        if (folder / "goldens.jsonl").exists():
            continue
        encode = hugging_face.encoder(folder)
        (folder / "ids.jsonl").write_text("".join(json.dumps(encode(text), separators=(",", ":")) + "\n" for text in texts))


def encoded(folder, texts):
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    for text in texts:
        yield json.dumps({"text": text, "ids": tokenizer.encode(text).ids}, separators=(",", ":"))


def main():
    command, arguments = sys.argv[1], sys.argv[2:]
    if command == "train":
        neox = train(arguments)
        for name, form in ({"neox": neox} | variants(neox)).items():
            (HERE / name).mkdir(exist_ok=True)
            (HERE / name / "tokenizer.json").write_text(json.dumps(form, indent=0, ensure_ascii=False) + "\n")
    elif command == "goldens":
        for path in sorted(HERE.glob("*/tokenizer.json")):
            if (path.parent / "ids.jsonl").exists():
                continue
            texts = HAND_WRITTEN + lines(330 if path.parent.name == "neox" else 60, 3)
            (path.parent / "goldens.jsonl").write_text("\n".join(encoded(path.parent, texts)) + "\n")
    elif command == "ids":
        write_ids()
    else:
        print("\n".join(encoded(pathlib.Path(arguments[0]), lines(int(arguments[1]), int(arguments[2])))))


if __name__ == "__main__":
    main()
