from __future__ import annotations

from pathlib import Path

import pytest

from tests.sampling.sampling_models import llama_config, save_checkpoint


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_checkpoint(tmp_path_factory.mktemp("llama"), llama_config())
