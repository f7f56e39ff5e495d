from __future__ import annotations

from pathlib import Path

import pytest
import torch
from sampling_models import llama_config, save_checkpoint


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """As the workers have it: two threads stall on a busy machine."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_checkpoint(tmp_path_factory.mktemp("llama"), llama_config())
