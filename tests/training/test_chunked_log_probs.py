"""Log-probabilities in chunks, against those of all logits at once."""

import pytest
import torch
from torch.nn import functional as F

from mucode_core.training import chunked_log_probs
from mucode_core.training.chunked_log_probs import label_log_probs


def draw():
    torch.manual_seed(0)
    hidden = torch.randn(23, 8, requires_grad=True)
    weight = torch.randn(50, 8, requires_grad=True)
    return hidden, weight, torch.randint(50, (23,)), torch.randn(23)


@pytest.mark.parametrize("rows", [1, 5, 23, 100])
def test_values_and_gradients_are_those_of_all_logits(monkeypatch, rows):
    monkeypatch.setattr(chunked_log_probs, "_LOGITS_AT_ONCE", 50 * rows)
    hidden, weight, labels, slopes = draw()
    expected = -F.cross_entropy(hidden @ weight.T, labels, reduction="none")
    gradients = torch.autograd.grad(expected @ slopes, [hidden, weight])
    values = label_log_probs(hidden, weight, labels)
    assert torch.allclose(values, expected, atol=1e-5)
    for found, wanted in zip(torch.autograd.grad(values @ slopes, [hidden, weight]), gradients, strict=True):
        assert torch.allclose(found, wanted, atol=1e-5)


def test_a_frozen_head_gets_no_gradient():
    hidden, weight, labels, _ = draw()
    label_log_probs(hidden, weight.detach(), labels).sum().backward()
    assert weight.grad is None
    assert hidden.grad is not None


def test_autocast_computes_in_16_bits_and_returns_32():
    hidden, weight, labels, _ = draw()
    with torch.autocast("cpu", torch.bfloat16):
        values = label_log_probs(hidden, weight, labels)
    assert values.dtype == torch.float32
    values.sum().backward()
    assert (weight.grad.dtype, hidden.grad.dtype) == (torch.float32, torch.float32)
    assert torch.allclose(values, label_log_probs(hidden, weight, labels), atol=0.1)
    assert not torch.equal(values, label_log_probs(hidden, weight, labels))
