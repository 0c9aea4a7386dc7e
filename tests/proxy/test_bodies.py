"""Chunked bodies: the same bytes however they are cut, and never more than one reading of them."""

from __future__ import annotations

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vmhttpd.answers import OwnAnswer
from vmhttpd.bodies import ChunkedBody, CountedBody

HEAD = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
NEXT = b"GET /next HTTP/1.1\r\n"
FRAGMENTS = rb"0\r\n\r\n|0|\r\n|\n|\r|3\r\nabc\r\n|3;x=y\r\nabc\r\n|A\r\n|abc|;| |00|x: y\r\n"
fragments = st.sampled_from(FRAGMENTS.replace(rb"\r", b"\r").replace(rb"\n", b"\n").split(b"|"))
extensions = st.sampled_from([b"", b";a", b";a=b", b' ;a="b c"'])
wire = st.one_of(st.binary(max_size=30), st.lists(fragments, max_size=8).map(b"".join))


def read(body: ChunkedBody | CountedBody, wire: bytes, cuts: list[int]) -> tuple[bytes, bytes]:
    """The body and what follows it, `wire` coming in pieces."""
    got, rest, at = b"", b"", 0
    for cut in [*sorted(cuts), len(wire)]:
        piece = wire[at:cut]
        at = max(at, cut)
        if body.done:
            rest += piece
        elif piece:
            more, after = body.feed(piece)
            got += more
            rest += after
    return got, rest


@given(
    st.lists(st.tuples(st.binary(min_size=1, max_size=40), extensions, st.booleans()), max_size=6),
    st.lists(st.integers(0, 300), max_size=12),
)
def test_a_chunked_body_is_read_alike_however_it_is_cut(
    chunks: list[tuple[bytes, bytes, bool]], cuts: list[int]
) -> None:
    wire = b"".join(
        (b"%X" if upper else b"00%x") % len(data) + extension + b"\r\n" + data + b"\r\n"
        for data, extension, upper in chunks
    )
    body = ChunkedBody(None)
    got, rest = read(body, wire + b"0\r\nX: y\r\n\r\n" + NEXT, cuts)
    assert (got, rest, body.done) == (b"".join(data for data, _, _ in chunks), NEXT, True)


@given(wire)
def test_what_we_accept_another_parser_reads_alike(wire: bytes) -> None:
    body = ChunkedBody(None)
    try:
        got, rest = body.feed(wire)
    except OwnAnswer:
        return
    if not body.done:
        return  # what is incomplete may still be refused
    theirs: list[bytes] = []
    ended: list[bool] = []

    class Other:
        def on_body(self, data: bytes) -> None:
            theirs.append(data)

        def on_message_complete(self) -> None:
            ended.append(True)

    httptools.HttpRequestParser(Other()).feed_data(HEAD + wire[: len(wire) - len(rest)])
    assert (b"".join(theirs), bool(ended)) == (got, True)


@given(st.integers(0, 50), st.binary(max_size=80), st.lists(st.integers(0, 80), max_size=5))
def test_a_counted_body_ends_where_its_length_says(length: int, wire: bytes, cuts: list[int]) -> None:
    body = CountedBody(length)
    assert read(body, wire, cuts) == (wire[:length], wire[length:])
    assert body.done == (len(wire) >= length)


def test_a_chunked_body_past_its_limit_is_413_by_the_size_it_announces() -> None:
    with pytest.raises(OwnAnswer) as refused:
        ChunkedBody(10).feed(b"b\r\n")
    assert refused.value.status == 413
