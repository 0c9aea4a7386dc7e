"""What the proxy answers by itself: refusals and the redirect to the page.

Law: plain HTTP and a sentence about what is wrong. Never an echo of what was sent: no answer becomes someone's page.
"""

from __future__ import annotations

from http import HTTPStatus

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}


def status_line(status: int) -> bytes:
    return STATUS_LINES.get(status) or b"HTTP/1.1 %d Status\r\n" % status


class OwnAnswer(Exception):
    """Thrown where a request cannot go on: the answer the client gets instead.

    `close`: the connection cannot be kept, since it is unclear where the next request begins.
    """

    def __init__(self, status: int, text: str, *, fields: tuple[bytes, ...] = (), close: bool = False):
        super().__init__(text)
        self.status, self.text, self.fields, self.close = status, text, fields, close

    def wire(self, *, close: bool, with_body: bool = True) -> bytes:
        """The whole answer; `with_body` False leaves the body out (HEAD)."""
        body = self.text.encode() + b"\n"
        return b"".join(
            (
                status_line(self.status),
                b"Content-Type: text/plain; charset=utf-8\r\n",
                b"Content-Length: %d\r\n" % len(body),
                b"X-Content-Type-Options: nosniff\r\n",
                *(field + b"\r\n" for field in self.fields),
                b"Connection: close\r\n\r\n" if close else b"\r\n",
                body if with_body else b"",
            )
        )


def away(text: str = "The service is not available now.") -> OwnAnswer:
    return OwnAnswer(503, text, fields=(b"Retry-After: 1",))
