"""Text encoders give unit vectors that do not depend on what else is in the batch."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers.models.clap.configuration_clap import ClapTextConfig
from transformers.models.clap.modeling_clap import ClapTextModelWithProjection

from sounddesk.engine.bundles.component_classes import load_text_encoder
from sounddesk.engine.bundles.random_parts import write_byte_tokenizer
from sounddesk.engine.models.text_encoder import ClapTextEncoder
from tests.tiny_bundle import build_tiny_bundle


def test_sentence_vectors_are_unit_and_independent_of_padding(tmp_path: Path) -> None:
    from sounddesk.engine.models.quantised_weights import load_weights
    from sounddesk.engine.models.text_encoder import SentenceEncoder

    folder = build_tiny_bundle(tmp_path) / "text_encoder"
    encoder = SentenceEncoder.load(folder, load_weights(folder / "model.safetensors"))
    alone = encoder.encode(["a dog"])
    together = encoder.encode(["a dog", "a photo of a car siren engine bark"])
    torch.testing.assert_close(alone.norm(dim=-1), torch.ones(1))
    torch.testing.assert_close(together[0], alone[0], atol=1e-5, rtol=1e-5)
    assert not torch.allclose(together[0], together[1], atol=1e-3)
    # What a shell gives for a byte that is no UTF-8.
    torch.testing.assert_close(encoder.encode(["caf\udce9"]), encoder.encode(["caf?"]))


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    from sounddesk.engine.models.quantised_weights import load_weights
    from sounddesk.engine.models.text_encoder import SentenceEncoder

    folder = build_tiny_bundle(tmp_path) / "text_encoder"
    state = load_weights(folder / "model.safetensors")
    state.pop("embeddings.word_embeddings.weight")
    with pytest.raises(ValueError, match="do not fit: missing"):
        SentenceEncoder.load(folder, state)


def test_clap_text_is_normalised_because_the_model_does_not(tmp_path: Path) -> None:
    torch.manual_seed(0)
    write_byte_tokenizer(tmp_path / "tokenizer")
    config = ClapTextConfig(
        vocab_size=300, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=520, projection_dim=12,
    )  # fmt: skip
    ClapTextModelWithProjection(config).save_pretrained(tmp_path / "text_encoder")
    encoder = load_text_encoder("ClapTextModelWithProjection", tmp_path / "text_encoder")
    assert isinstance(encoder, ClapTextEncoder)
    vectors = encoder.encode(["dog", "god"])
    assert vectors.shape == (2, 12)
    torch.testing.assert_close(vectors.norm(dim=-1), torch.ones(2))
    torch.testing.assert_close(encoder.encode(["caf\udce9"]), encoder.encode(["caf?"]))


def test_unknown_class_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'Word2Vec'"):
        load_text_encoder("Word2Vec", tmp_path)
