"""Who may use the dashboard: its own page by its own name; everybody else is refused, whatever they write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgehar.firmware_bridge.web.admission import Admission, is_loopback

LOCAL = Admission("127.0.0.1", 8800)
OWN = {"127.0.0.1:8800", "localhost:8800", "[::1]:8800"}
hosts = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "evil.example",
            "evil.example:8800",
            "127.0.0.1",
            "127.0.0.1:80",
            "127.0.0.1:8800.evil.example",
            "127.0.0.1:8800@evil.example:8800",
            "evil.example@127.0.0.1:8800",
            "127.0.0.1:8800/",
            "127.0.0.1.nip.io:8800",
            "localhost.evil.example:8800",
            "[::1]",
            "192.168.1.2:8800",
            ":8800",
            "",
        ]
    ),
)


@pytest.mark.parametrize("host", sorted(OWN))
def test_its_own_page_is_welcome(host: str) -> None:
    assert LOCAL.refusal(host=host, origin=f"http://{host}", is_socket=True) is None
    assert LOCAL.refusal(host=host, origin=None, is_socket=False) is None


@given(hosts)
def test_another_name_is_refused(host: str) -> None:
    refused = LOCAL.refusal(host=host, origin=f"http://{host}", is_socket=True) is not None
    assert refused == (host.lower() not in OWN)


@given(
    st.one_of(
        st.none(), st.text(max_size=30), st.sampled_from(["null", "http://evil.example", "https://localhost:8800"])
    )
)
def test_a_page_of_another_origin_is_refused(origin: str | None) -> None:
    found = LOCAL.refusal(host="localhost:8800", origin=origin, is_socket=True)
    assert (found is None) == (origin == "http://localhost:8800")


def test_the_network_needs_the_token() -> None:
    exposed = Admission.at("0.0.0.0", 8800)
    assert len(exposed.token) >= 20
    assert exposed.token != Admission.at("0.0.0.0", 8800).token
    ask = {"host": "192.168.1.2:8800", "origin": "http://192.168.1.2:8800", "is_socket": True}
    for wrong in ("/ws", "/ws?token=", "/ws?token=x", f"/ws?token={exposed.token[:-1]}", "/ws?token=\udcff"):
        assert exposed.refusal(**ask, path=wrong) is not None
    assert exposed.refusal(**ask, path=f"/?token={exposed.token}") is None
    cookie = exposed.cookie.partition(";")[0]
    assert exposed.refusal(**ask, path="/ws", cookie=f"other=1; {cookie}") is None
    assert exposed.refusal(**ask, path="/ws", cookie=cookie[:-2]) is not None
    assert "HttpOnly" in exposed.cookie
    assert "SameSite=Strict" in exposed.cookie
    assert exposed.token in exposed.url("192.168.1.2")
    assert exposed.refusal(host="evil.example:8800", origin=None, is_socket=False, path=f"/?token={exposed.token}")


@pytest.mark.parametrize(
    ("host", "is_local"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False),
     ("192.168.1.2", False), ("pi.local", False)],
)  # fmt: skip
def test_only_loopback_needs_no_token(host: str, is_local: bool) -> None:
    assert is_loopback(host) is is_local
    assert bool(Admission.at(host, 1).token) is not is_local
