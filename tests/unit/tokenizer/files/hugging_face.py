"""What Hugging Face's libraries, and SentencePiece where a folder has only its model, make of a text."""
import functools
import pathlib


def encoder(folder):
    """A function from text to ids for a model's folder."""
    folder = pathlib.Path(folder)
    if (folder / "tokenizer.json").exists():
        from tokenizers import Tokenizer
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return lambda text: tokenizer.encode(text).ids
    if (folder / "tokenizer_config.json").exists():
        from transformers import AutoTokenizer
        tokenizer = AutoTokenizer.from_pretrained(str(folder))
        return lambda text: tokenizer(text)["input_ids"]
    import sentencepiece
    model = next(path for path in (folder / "tokenizer.model", folder / "spiece.model") if path.exists())
    return functools.partial(sentencepiece.SentencePieceProcessor(model_file=str(model)).encode)
