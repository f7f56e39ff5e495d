"""A streamed response that can still become an error, and that ends with its client."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.responses import StreamingResponse
from starlette.types import Send


class LateStream(StreamingResponse):
    """Sends its status with the first part: an error before that is answered by a status of its own.

    If the client goes away, even while the first part is awaited, the generator is cancelled where it waits.
    """

    def __init__(self, parts: AsyncGenerator[bytes], media_type: str) -> None:
        super().__init__(parts, media_type=media_type)
        self._parts = parts

    async def stream_response(self, send: Send) -> None:
        """Sends all parts."""
        has_begun = False
        async with aclosing(self._parts) as parts:
            async for part in parts:
                if not has_begun:
                    await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
                    has_begun = True
                await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
