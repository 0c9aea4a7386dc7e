"""The path grammar: its corpus, and what must hold for every string."""

from __future__ import annotations

from urllib.parse import quote, unquote_to_bytes

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from vmhttpd.paths import BadTarget, canonical_target

from .path_corpus import ACCEPTED, REFUSED

PIECES = (
    rb"/|.|..|%2e|%2E|%2f|%5c|\|;|%3b|%25|%00|%|%c0|%af|%c3%bc|sdk|/folder/|folder|ui|a|?|#|~|[|http://|@|0| |%0a"
)
pieces = st.sampled_from(PIECES.split(b"|"))
names = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="/\\"), min_size=1, max_size=20)
targets = st.one_of(st.binary(max_size=60), st.lists(pieces, max_size=14).map(b"".join)).map(lambda tail: b"/" + tail)


@pytest.mark.parametrize("raw", ACCEPTED, ids=lambda raw: repr(raw[:40]))
def test_an_accepted_target_gets_its_canonical_form(raw: bytes) -> None:
    assert canonical_target(raw).wire() == ACCEPTED[raw]


@pytest.mark.parametrize("raw", REFUSED, ids=lambda raw: repr(raw[:40]))
def test_a_target_outside_the_grammar_is_refused(raw: bytes) -> None:
    with pytest.raises(BadTarget) as refused:
        canonical_target(raw)
    assert refused.value.status in (400, 414)


@given(targets)
@example(b"/folder/%252e%252e/x")
def test_a_canonical_target_is_its_own_canonical_form_and_says_nothing_hidden(raw: bytes) -> None:
    try:
        target = canonical_target(raw)
    except BadTarget:
        return
    assert canonical_target(target.wire()) == target
    decoded = unquote_to_bytes(target.path)
    segments = decoded.split(b"/")
    assert segments[0] == b"" and b"" not in segments[1:-1] and not {b".", b".."} & set(segments)
    assert not set(decoded) & {*range(32), 127, ord("\\")}
    assert target.path.isascii() and not set(target.path) & set(b' #;?\\"<>')
    if not target.path.startswith(b"/folder/"):
        assert b"%" not in target.path


@given(st.lists(names, min_size=1, max_size=4))
def test_every_file_name_survives_the_way_through_folder(path_names: list[str]) -> None:
    if {".", ".."} & set(path_names):
        return
    path = "/".join(path_names)
    for safe in ("", "/"):  # clients encode the slash, or do not
        assert canonical_target(b"/folder/" + quote(path, safe=safe).encode()).text() == "/folder/" + path
