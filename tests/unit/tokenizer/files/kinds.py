"""Trains one tiny tokenizer of each kind:   python kinds.py TEXT...   (Debian's GPL-3, Apache-2.0 and MPL-1.1)

Each folder holds the files of one tokenizer and ids.jsonl, which make_goldens.py writes: the ids of each line of lines.jsonl.
    mistral        tokenizer.json: BPE with byte_fallback, Prepend and Replace, as Llama 2's and Mistral's
    metaspace      the same with Metaspace in its new spelling (first, not split); metaspace-old in its old one, split
    gemma          BPE with byte_fallback, Replace and a Split at spaces
    t5             Unigram with a Precompiled character map (nmt_nfkc), WhitespaceSplit and Metaspace
    bert-uncased, bert-cased   WordPiece with BertNormalizer, BertPreTokenizer and a template or BertProcessing
    stages-a, -b, -c           the other normalizers, pre-tokenizers and post-processors
    t5-model, llama-model, gemma-model   SentencePiece models with a tokenizer_config.json
    bpe-model, unigram-model   SentencePiece models alone
    gpt2-files, qwen2-files    vocab.json and merges.txt;  bert-files  vocab.txt
"""
import base64
import copy
import json
import pathlib
import random
import sys
import tempfile

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

from lines import assigned_character

HERE = pathlib.Path(__file__).parent
SPACE = "\u2581"
CORPUS_LINES = ["\u4e2d\u6587\u5b57\u7b26 \u65e5\u672c\u8a9e", "Caf\u00e9 na\u00efve \u00fc\u00f6\u00e4\u00df", "\u0417\u0434\u0440\u0430\u0432\u0441\u0442\u0432\u0443\u0439",
                "a" * 300, "ab" * 200, "=" * 100, "1 12 123 1234567890", "\U0001f600\U0001f601", "x" + " " * 40 + "y" + " " * 9 + "z"]


def write(name, files):
    folder = HERE / name
    folder.mkdir(exist_ok=True)
    for file, content in files.items():
        if isinstance(content, bytes):
            (folder / file).write_bytes(content)
        elif isinstance(content, str):
            (folder / file).write_text(content)
        else:
            (folder / file).write_text(json.dumps(content, indent=0, ensure_ascii=False) + "\n")


def settings(tokenizer_class, model_type, **more):
    return {"tokenizer_config.json": {"tokenizer_class": tokenizer_class} | more, "config.json": {"model_type": model_type}}


def added(number, content, special=True, normalized=False):
    return {"id": number, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": normalized, "special": special}


def template(tokens, before=(), after=()):
    special = lambda name: {"SpecialToken": {"id": name, "type_id": 0}}
    single = [*map(special, before), {"Sequence": {"id": "A", "type_id": 0}}, *map(special, after)]
    return {"type": "TemplateProcessing", "single": single, "pair": single + [{"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {name: {"id": name, "ids": [tokens[name]], "tokens": [name]} for name in [*before, *after]}}


def form(model, **stages):
    empty = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None, "pre_tokenizer": None,
             "post_processor": None, "decoder": None}
    return empty | stages | {"model": model}


def sequence(kind, *steps):
    return {"type": "Sequence", {"n": "normalizers", "p": "pretokenizers", "s": "processors"}[kind]: list(steps)}


def train_sentencepiece(text, **options):
    rng = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "text"
        source.write_text("\n".join([text, *CORPUS_LINES, *("".join(assigned_character(rng) for _ in range(12)) for _ in range(10))]))
        sentencepiece.SentencePieceTrainer.train(
            input=str(source), model_prefix=folder + "/m", hard_vocab_limit=False, minloglevel=2, num_threads=1, **options)
        return (pathlib.Path(folder) / "m.model").read_bytes()


def bpe_of(model):
    """transformers' way from a SentencePiece model to merges: every cut of a piece, in the order of the pieces."""
    proto = sentencepiece_model_pb2.ModelProto.FromString(model)
    vocab = {piece.piece: index for index, piece in enumerate(proto.pieces)}
    merges = [[piece[:cut], piece[cut:]] for piece in vocab for cut in range(1, len(piece)) if piece[:cut] in vocab and piece[cut:] in vocab]
    return {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": True,
            "byte_fallback": True, "ignore_merges": False, "vocab": vocab, "merges": merges}


# From what to what, in hexadecimal: a ligature, full width, a composition, controls and spaces.
SMALL_RULES = "".join(f"{source}\t{target}\n" for source, target in [
    ("FB01", "66 69"), ("FF21", "41"), ("FF22", "42"), ("65 301", "E9"), ("7F", ""), ("1", ""), ("9", "20"), ("A", "20"), ("A0", "20"), ("3000", "20"),
    ("2003", "20"), ("D A", "20"), ("D", "20"), ("2167", "56 49 49 49"), ("B2", "32"), ("200B", ""), ("FFFD", "20")])
IDENTITY = {"normalization_rule_name": "identity", "remove_extra_whitespaces": False, "split_digits": True,
            "allow_whitespace_only_pieces": True, "byte_fallback": True, "character_coverage": 0.99, "model_type": "bpe"}


def sentencepiece_kinds(text):
    llama = train_sentencepiece(text, vocab_size=900, **IDENTITY)
    gemma = train_sentencepiece(text, vocab_size=900, add_dummy_prefix=False, pad_id=0, eos_id=1, bos_id=2, unk_id=3,
                                user_defined_symbols=["<mask>", "\n\n", "<b>"], **IDENTITY)
    t5_options = {"vocab_size": 700, "model_type": "unigram", "pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1, "character_coverage": 0.99}
    t5 = train_sentencepiece(text, **t5_options)
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as rules:  # a small character map: nmt_nfkc has 240 kB
        rules.write(SMALL_RULES)
        rules.flush()
        small_t5 = train_sentencepiece(text, normalization_rule_tsv=rules.name, **t5_options)
    unigram = train_sentencepiece(text, vocab_size=600, model_type="unigram", character_coverage=0.99, normalization_rule_name="identity")
    write("t5-model", {"spiece.model": small_t5} | settings("T5Tokenizer", "t5", extra_ids=10, eos_token="</s>"))
    write("llama-model", {"tokenizer.model": llama} | settings("LlamaTokenizer", "llama", add_bos_token=True, added_tokens_decoder={
        "0": added(0, "<unk>"), "1": added(1, "<s>"), "2": added(2, "</s>"), "900": added(900, "<|extra|>") | {"rstrip": True}}))
    for folder in ("llama-model",):
        path = HERE / folder / "tokenizer_config.json"
        config = json.loads(path.read_text())
        for token in config["added_tokens_decoder"].values():
            del token["id"]
        path.write_text(json.dumps(config, indent=0) + "\n")
    write("gemma-model", {"tokenizer.model": gemma} | settings(
        "GemmaTokenizer", "gemma2", add_bos_token=True, add_eos_token=False, bos_token="<s>", eos_token="</s>", pad_token="<pad>"))
    write("bpe-model", {"tokenizer.model": llama})
    write("unigram-model", {"spiece.model": unigram})
    json_kinds(bpe_of(llama), bpe_of(gemma), t5)


def json_kinds(llama, gemma, t5):
    specials = [added(0, "<unk>"), added(1, "<s>"), added(2, "</s>")]
    begin = template({"<s>": 1}, before=["<s>"])
    prepend = sequence("n", {"type": "Prepend", "prepend": SPACE}, {"type": "Replace", "pattern": {"String": " "}, "content": SPACE})
    write("mistral", {"tokenizer.json": form(llama, added_tokens=specials, normalizer=prepend, post_processor=begin)})
    first = {"type": "Metaspace", "replacement": SPACE, "prepend_scheme": "first", "split": False}
    write("metaspace", {"tokenizer.json": form(llama, added_tokens=specials, pre_tokenizer=first, post_processor=begin)})
    old = {"type": "Metaspace", "replacement": SPACE, "str_rep": SPACE, "add_prefix_space": True}
    strings = llama | {"merges": [" ".join(pair) for pair in llama["merges"]]}
    write("metaspace-old", {"tokenizer.json": form(strings, added_tokens=[token | {"normalized": True} for token in specials], pre_tokenizer=old)})
    replace = {"type": "Replace", "pattern": {"String": " "}, "content": SPACE}
    split = {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False}
    gemma_added = [added(0, "<pad>"), added(1, "</s>"), added(2, "<s>"), added(3, "<unk>"), added(4, "<mask>", special=False), added(5, "\n\n", special=False)]
    # Without the token of one byte, a character that has that byte is unknown and is held back.
    holes = copy.deepcopy(gemma)
    holes["vocab"]["<hole>"] = holes["vocab"].pop("<0x80>")
    write("gemma", {"tokenizer.json": form(holes, added_tokens=gemma_added, normalizer=replace, pre_tokenizer=split,
                                           post_processor=template({"<s>": 2}, before=["<s>"]))})
    proto = sentencepiece_model_pb2.ModelProto.FromString(t5)
    unigram = {"type": "Unigram", "unk_id": 2, "vocab": [[piece.piece, piece.score] for piece in proto.pieces], "byte_fallback": False}
    charsmap = base64.b64encode(proto.normalizer_spec.precompiled_charsmap).decode()
    words = sequence("p", {"type": "WhitespaceSplit"}, {"type": "Metaspace", "replacement": SPACE, "prepend_scheme": "always", "split": True})
    write("t5", {"tokenizer.json": form(unigram, added_tokens=[added(0, "<pad>"), added(1, "</s>"), added(2, "<unk>")], pre_tokenizer=words,
                                        normalizer={"type": "Precompiled", "precompiled_charsmap": charsmap},
                                        post_processor=template({"</s>": 1}, after=["</s>"]))})


def word_piece(text, lowercase):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=700, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False)
    tokenizer.train_from_iterator([text, *CORPUS_LINES], trainer)
    return json.loads(tokenizer.to_str())


def word_piece_kinds(text):
    uncased, cased = word_piece(text, True), word_piece(text, False)
    vocab = uncased["model"]["vocab"]
    uncased["post_processor"] = template(vocab, before=["[CLS]"], after=["[SEP]"])
    write("bert-uncased", {"tokenizer.json": uncased})
    cased["normalizer"] = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": False}
    cased["post_processor"] = {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]}
    cased["model"]["max_input_chars_per_word"] = 30
    write("bert-cased", {"tokenizer.json": cased})
    tokens = sorted(cased["model"]["vocab"], key=cased["model"]["vocab"].get)
    write("bert-files", {"vocab.txt": "\n".join(tokens) + "\n"} | settings("BertTokenizer", "bert", do_lower_case=False, strip_accents=True))


def byte_level_kinds():
    neox = json.loads((HERE / "neox/tokenizer.json").read_text())
    model = neox["model"]
    pairs = model["merges"]
    plain = {"vocab.json": model["vocab"], "merges.txt": "#version: 0.2\n" + "\n".join(pairs) + "\n"}
    write("gpt2-files", plain | settings("GPT2Tokenizer", "gpt2"))
    write("qwen2-files", plain | settings("Qwen2Tokenizer", "qwen2", add_bos_token=False, eos_token="<|im_end|>"))
    spelled = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    replace = lambda pattern, content: {"type": "Replace", "pattern": pattern, "content": content}
    split = lambda pattern, behavior, invert: {"type": "Split", "pattern": pattern, "behavior": behavior, "invert": invert}
    write("stages-a", {"tokenizer.json": form(
        model, normalizer=sequence("n", *({"type": name} for name in ("Nmt", "NFKC", "Lowercase")), replace({"Regex": "[ \\t]+"}, " ")),
        pre_tokenizer=sequence("p", {"type": "Whitespace"}, {"type": "Digits", "individual_digits": False}, spelled),
        post_processor={"type": "RobertaProcessing", "sep": ["<|padding|>", 1], "cls": ["<|endoftext|>", 0], "trim_offsets": True, "add_prefix_space": False})})
    write("stages-b", {"tokenizer.json": form(
        model, normalizer=sequence("n", {"type": "NFKD"}, {"type": "StripAccents"}, {"type": "Strip", "strip_left": True, "strip_right": True}),
        pre_tokenizer=sequence("p", {"type": "Punctuation", "behavior": "MergedWithNext"}, {"type": "Digits", "individual_digits": True},
                               split({"Regex": "[a-z]+"}, "Contiguous", True), spelled))})
    write("stages-c", {"tokenizer.json": form(
        model, normalizer=sequence("n", {"type": "NFD"}, {"type": "ByteLevel"}),
        pre_tokenizer=sequence("p", split({"String": "e"}, "MergedWithPrevious", False), split({"Regex": "\\d"}, "Removed", False),
                               split({"String": "th"}, "MergedWithNext", True)))})


def main():
    text = "\n".join(pathlib.Path(path).read_text() for path in sys.argv[1:])
    sentencepiece_kinds(text)
    word_piece_kinds(text)
    byte_level_kinds()


if __name__ == "__main__":
    main()
