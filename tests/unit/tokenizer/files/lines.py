"""Lines that tokenizers find hard: emoji, CJK, combining marks, control characters, very long words, numbers, code, random bytes."""
import random
import unicodedata

RANGES = [(0, 0x7F), (0x80, 0x24F), (0x300, 0x36F), (0x370, 0x52F), (0x590, 0x6FF), (0x900, 0xDFF), (0x1100, 0x11FF), (0x2000, 0x206F),
          (0x2100, 0x2BFF), (0x3000, 0x30FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0xF900, 0xFFFF), (0x10000, 0x1FFFF), (0xE0000, 0xE01EF)]
WORDS = ("the The license licensed work works software free Program and's can't don't I'll WE'VE 1989 v3.0 naïve Café straße "
         "<|endoftext|> <s> </s> <unk> [CLS] [SEP] [MASK] [mask] <pad> <mask> <extra_id_0> <extra_id_5> <|extra|> <b> <|im_end|>").split()
CODE = ["def ", "return ", "if (x == 1) {", "}", "\n", "\n    ", "\t", "for (int i = 0; i < n; ++i)", "// note", "# -*- ", "\"a\\n\"", "x[i]", "->",
        "::", "&&", "std::vector<int>", "lambda x: ", "f'{y}'", "0xFF", "1e-9", "</div>", "&nbsp;", "SELECT * FROM t", "$x^2$", "\\frac{a}{b}", "  "]
EMOJI = ["\U0001f600", "\U0001f44d\U0001f3fd", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f1e9\U0001f1ea", "\u2764\ufe0f", "1\ufe0f\u20e3", "\u00a9",
         "\U0001f3f4\U000e0067\U000e0062\U000e007f", "\u263a", "\U0001f9d1\U0001f3ff\u200d\U0001f680"]
MARKS = "\u0301\u0300\u0308\u0323\u0327\u0345\u093c\u0c3c\u064b\u05b0\u0e31\u3099\u20d7\u0f71\u0f72\u0d3b"
SPACES = " \n\r\t\u00a0\u2003\u3000\u0085\u200b\u2028\u2029\u1680\u202f\ufeff\x0b\x0c\x1c\u2581"


def assigned_character(rng):
    """One that Unicode 14 knows: what an unassigned one is depends on who is asked."""
    while True:
        code = rng.randint(*rng.choice(RANGES))
        if not 0xD800 <= code <= 0xDFFF and unicodedata.category(chr(code)) != "Cn":
            return chr(code)


def from_list(choices, longest, joint=("",)):
    return lambda rng: "".join(rng.choice(choices) + rng.choice(joint) for _ in range(rng.randrange(1, longest)))


def long_word(rng):
    part = rng.choice(["a", "ab", "\u00e9", "\u4e2d", "=", "e\u0301", "0", "x\u0323", "\U0001f600", " ", "the", assigned_character(rng)])
    return rng.choice(["", "x ", " "]) + part * rng.randrange(50, 1500) + rng.choice(["", "y", " z"])


def number(rng):
    return " ".join(rng.choice([str(rng.randrange(10 ** rng.randrange(1, 25))), f"{rng.uniform(-9, 9):.{rng.randrange(12)}e}", f"{rng.randrange(10**9):,}",
                                hex(rng.randrange(2**40)), "\u0663\u0664", "\u00bd", "\u2167", "\u00b2\u00b3", "-1", "\u0967\u0968"]) for _ in range(rng.randrange(1, 9)))


def random_bytes(rng):
    return rng.randbytes(rng.randrange(1, 60)).decode("utf-8", errors="replace")


def characters(rng):
    return "".join(assigned_character(rng) for _ in range(rng.randrange(1, 25)))


def combining(rng):
    return "".join(rng.choice([assigned_character(rng), "a", "e", "q", "\u1e0b", "\u0d15"]) + "".join(rng.choice(MARKS) for _ in range(rng.randrange(4))) for _ in range(rng.randrange(1, 14)))


def control(rng):
    return "".join(rng.choice([chr(rng.randrange(0xA0)), rng.choice(SPACES), "a", rng.choice("\u200c\u200d\u2060\u00ad\u061c\ufffd\ufffe\u0600\ue000")]) for _ in range(rng.randrange(1, 40)))


def mixed(rng):
    return "".join(rng.choice(KINDS[:-1])(rng)[:40] for _ in range(rng.randrange(2, 6)))


KINDS = [
    from_list(WORDS, 20, ("", " ", " ", " ", "  ", "\n", "\u00a0", ", ", "\t ", "-", "_")),
    from_list(CODE, 16), from_list(EMOJI, 10, ("", " ")), from_list(list(SPACES) + ["x", "1", ".", "'", "\u00e9"], 40), characters, combining, control,
    lambda rng: "".join(chr(rng.choice([rng.randrange(0x4E00, 0x9FFF), rng.randrange(0x3041, 0x30FF), rng.randrange(0xAC00, 0xD7A3), 0x3002, 0x20, 0xFF01, 0xFF71]))
                        for _ in range(rng.randrange(1, 40))),
    long_word, number, random_bytes, mixed,
]


def lines(count, seed):
    rng = random.Random(seed)
    return [KINDS[index % len(KINDS)](rng) for index in range(count)]
