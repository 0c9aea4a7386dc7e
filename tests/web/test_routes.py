"""Paths of the daemon: canonical ones only, default deny."""

from __future__ import annotations

import pytest

from tests.proxy.path_corpus import ACCEPTED
from vmsdk.web.http import Request, Response
from vmsdk.web.routes import canonical, router


def ask(target, method="POST", **headers):
    handle = router({"sdk": lambda request, path, query: Response(200, (), f"{path}|{query}".encode())})
    return handle(Request(method, target, headers, b"", False, "127.0.0.1"))


@pytest.mark.parametrize("target", ["/sdk", "/sdk/", "/sdk/vimService", "/sdk/vimService?wsdl", "/folder/a%20b.vmx", "/"])
def test_canonical_paths(target):
    assert canonical(target.partition("?")[0])


@pytest.mark.parametrize(
    "target",
    ["", "sdk", "//sdk", "/sdk//x", "/sdk/../ui", "/sdk/.", "/sdk/..", "/sdk/%2e%2e/x", "/sdk%2fx", "/sdk%5cx", "/sdk\\x", "/sdk;x",
     "/sdk/%00", "/s\x00dk", "/sdk#x", "http://other/sdk", "/" + "x" * 9000],
)  # fmt: skip
def test_what_the_front_door_would_not_send_is_refused(target):
    assert ask(target).status == 400


def test_an_unknown_room_is_denied():
    assert ask("/mob").status == 404
    assert ask("/SDK").status == 404


def test_the_query_is_handed_over_apart():
    assert ask("/sdk/vimService?wsdl").body == b"/sdk/vimService|wsdl"


def test_a_page_of_another_site_cannot_post_with_someones_cookie():
    assert ask("/sdk", origin="https://evil.example", host="server").status == 403
    assert ask("/sdk", origin="https://server", host="server").status == 200


@pytest.mark.parametrize("sent", sorted(set(ACCEPTED.values())))
def test_what_the_front_door_sends_is_taken(sent):
    assert canonical(sent.decode().partition("?")[0])
