"""A pair of Llama-architecture models with random weights, small enough for a test."""

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

TEXT = "the cat sat on the mat. the dog sat on the log. a bird and a frog met in the fog."


def make_tokenizer(text=TEXT):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<bos>", "<eos>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([text], trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<bos> $A", special_tokens=[("<bos>", 0)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<bos>", eos_token="<eos>", pad_token="<eos>"
    )


def make_model(seed, vocabulary, *, width=16, layers=1, context=64, spread=0.4):
    """``spread`` is the deviation of the weights: it makes the laws peaked, not uniform."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=layers,
        num_attention_heads=2,
        max_position_embeddings=context,
        tie_word_embeddings=True,
        initializer_range=spread,
        bos_token_id=0,
        eos_token_id=1,
    )
    return LlamaForCausalLM(config)


def save_pair(folder, **kwargs):
    """Directories ``slm`` and ``llm`` under ``folder``."""
    tokenizer = make_tokenizer()
    for seed, role in enumerate(("slm", "llm"), start=1):
        make_model(seed, len(tokenizer), layers=seed, **kwargs).save_pretrained(folder / role)
        tokenizer.save_pretrained(folder / role)
    return str(folder / "slm"), str(folder / "llm")
