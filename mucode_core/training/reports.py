"""What trainings report. The flow reads it, which must not load PyTorch for it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BootstrapReport:
    """Result of building the base."""

    num_dialogues: int
    num_too_long: int
    """Excluded: longer than the context."""
    num_steps: int
    num_tokens: int
    num_parameters: int
    loss: float


@dataclass(frozen=True)
class FinetuneReport:
    """Result of a fine-tuning."""

    num_examples: int
    num_too_long: int
    """Excluded: longer than `max_length` tokens."""
    num_steps: int
    num_tokens: int
    loss_before: float
    """Mean cross-entropy per completion token, nats, on at most 512 of the examples, before and after."""
    loss_after: float


@dataclass(frozen=True)
class VerifierReport:
    """Result of fitting the verifier."""

    num_pairs: int
    num_too_long: int
    """Excluded: a side is longer than `max_length` tokens."""
    num_steps: int
    num_tokens: int
    loss: float
    train_pair_accuracy: float
    """Share of training pairs ordered correctly during the second half of the steps."""
