"""A tiny CLIP checkpoint with random weights and a tokenizer of its own, which works as CLIP's does."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from make_checkpoint import spread_weights

# Enough for merges that reach across whole words, as those of a real vocabulary do.
SENTENCES = (
    "This is a photo of a cat.",
    "This is a photo of a dog on the beach.",
    "a red car in the street, a blue car in the garden",
    "two people walking with their dog; it's a sunny day",
    "the picture of a handwritten digit: zero one two three four five six seven eight nine",
)
VOCABULARY = 500
FIRST, LAST = "<|startoftext|>", "<|endoftext|>"
LONGEST = 24
SIDE = 32


def make_clip_checkpoint(folder: Path, seed: int = 0) -> Path:
    """Write the checkpoint: model, image processor and tokenizer, a few hundred kilobytes.

    Parameters
    ----------
    folder : Path
        Made if needed.
    seed : int
        Seed of the weights.

    Returns
    -------
    Path
        The folder.
    """
    import torch
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel

    folder.mkdir(parents=True, exist_ok=True)
    tokens = _write_tokenizer(folder)
    layers = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    # The published checkpoints say that the last token is 2, which transformers takes as: the one of the highest id.
    text = layers | {"vocab_size": tokens, "max_position_embeddings": LONGEST, "eos_token_id": 2}
    vision = layers | {"image_size": SIDE, "patch_size": 8}
    torch.manual_seed(seed)
    config_class: Any = CLIPConfig
    model: Any = CLIPModel(config_class(text_config=text, vision_config=vision, projection_dim=16))
    spread_weights(model)
    with torch.no_grad():
        model.logit_scale.fill_(math.log(100))  # what training ends with
    model.save_pretrained(folder)
    CLIPImageProcessor(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE}).save_pretrained(folder)
    return folder


def _write_tokenizer(folder: Path) -> int:
    """Train byte pairs on the sentences; give the size of the vocabulary."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import CLIPTokenizerFast

    trained = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    trained.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.ByteLevel(False)])
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, initial_alphabet=alphabet, end_of_word_suffix="</w>", show_progress=False
    )
    trained.train_from_iterator([sentence.lower() for sentence in SENTENCES], trainer)
    merges = [tuple(pair) for pair in json.loads(trained.to_str())["model"]["merges"]]
    # As in CLIP's: every byte, every byte that ends a word, what the merges make, and the two tokens around a text.
    tokens = [*alphabet, *(f"{byte}</w>" for byte in alphabet), *("".join(pair) for pair in merges), FIRST, LAST]
    vocabulary = {token: number for number, token in enumerate(dict.fromkeys(tokens))}
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    tokenizer_class: Any = CLIPTokenizerFast
    tokenizer = tokenizer_class(
        str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=LONGEST, pad_token=LAST
    )
    tokenizer.save_pretrained(folder)
    return len(vocabulary)
