"""The problems that clients have put: by their digest, the latest used of bounded size."""

from __future__ import annotations

import hashlib
from collections import OrderedDict

from mucode_core.sandbox.remote.messages import ProblemMessage, read_problem
from mucode_core.services import ServiceError

_LIMIT_BYTES = 256 << 20


class StoredProblems:
    """Forgets what was not used for longest; a client that finds its problem forgotten puts it again."""

    def __init__(self, limit_bytes: int = _LIMIT_BYTES) -> None:
        self._limit = limit_bytes
        self._found: OrderedDict[str, tuple[ProblemMessage, int]] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        return len(self._found)

    def put(self, digest: str, body: bytes) -> None:
        """Keeps a problem under the SHA-256 of its JSON text.

        Raises:
            ServiceError: The digest is another's, or the text is no problem.
        """
        own = hashlib.sha256(body).hexdigest()
        if digest != own:
            problem = f"{digest!r:.80} is not the digest of the body, which is {own}"
            hint = "name the SHA-256 of the bytes of the body, before compression"
            raise ServiceError(422, problem, location="digest", hint=hint)
        if digest not in self._found:
            self._found[digest] = read_problem(body), len(body)
            self._size += len(body)
        self._found.move_to_end(digest)
        while self._size > self._limit and len(self._found) > 1:
            _, (_, size) = self._found.popitem(last=False)
            self._size -= size

    def get(self, digest: str, location: str) -> ProblemMessage:
        """The problem that was put under a digest.

        Raises:
            ServiceError: 404, there is none.
        """
        found = self._found.get(digest)
        if found is None:
            hint = "PUT it to /v1/problems/DIGEST, then send the jobs again"
            raise ServiceError(404, f"no problem has the digest {digest!r:.80}", location=location, hint=hint)
        self._found.move_to_end(digest)
        return found[0]
