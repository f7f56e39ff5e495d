import subprocess
import sys

import pytest

from mucode_core.errors import ArtifactError
from mucode_core.store.artifacts import ArtifactStore
from mucode_core.system.locks import alone, is_in_use

HOLD = (
    "import sys; from pathlib import Path; from mucode_core.store.artifacts import ArtifactStore\n"
    "store = ArtifactStore(Path(sys.argv[1])); print('open', flush=True); sys.stdin.read()"
)


def test_a_store_is_in_use_until_its_last_user_is_killed(tmp_path):
    root = tmp_path / "store"
    users = [
        subprocess.Popen([sys.executable, "-c", HOLD, str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    try:
        for user in users:
            assert user.stdout is not None
            assert user.stdout.readline() == b"open\n"  # sharing does not wait for other users
        for user in users:
            assert is_in_use(root)
            with pytest.raises(ArtifactError, match="is in use"), alone(root):
                pass
            user.kill()
            user.wait()
        assert not is_in_use(root)
        with alone(root):
            assert is_in_use(root)
    finally:
        for user in users:
            user.kill()
            user.communicate()


def test_a_dropped_store_releases_its_lock(tmp_path):
    store = ArtifactStore(tmp_path)
    assert is_in_use(tmp_path)
    del store
    assert not is_in_use(tmp_path)


def test_an_error_inside_releases_the_lock(tmp_path):
    with pytest.raises(RuntimeError), alone(tmp_path):
        raise RuntimeError
    assert not is_in_use(tmp_path)


def test_drafts_are_removed_with_the_last_user_and_not_before(tmp_path):
    root = tmp_path / "store"
    user = subprocess.Popen([sys.executable, "-c", HOLD, str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        user.stdout.readline()
        draft = root / "rollouts" / ".0123456789abcdef.1.00"  # of a process that this one cannot see
        draft.mkdir(parents=True)
        ArtifactStore(root)
        assert draft.exists()
    finally:
        user.kill()
        user.communicate()
    ArtifactStore(root)
    assert not draft.exists()
