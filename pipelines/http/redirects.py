"""Where a source may send us: to public addresses, or to the kind of network it is in itself.

Else whoever runs a source, or sits between, could have the machine of Isobar ask servers that only
this machine reaches: on itself, in its own network, the one that hands out a cloud's credentials.
Where the configured address itself points is the operator's business.
"""

import socket
from ipaddress import IPv4Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import urljoin

from requests import PreparedRequest, Session
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util import Url, parse_url

PUBLIC = "public"
NAT64 = IPv6Network("64:ff9b::/96")
NOT_PUBLIC = tuple(
    map(
        ip_network,
        (
            "168.63.129.16/32",  # of a cloud's own services
            "192.0.0.0/24",
            "192.88.99.0/24",
            "::/96",
            "::ffff:0:0:0/96",
            "3fff::/20",
            "5f00::/16",
            "64:ff9b:1::/48",
            "fec0::/10",
        ),
    )
)
"""Networks that Python takes for public ones, at least in some of its versions."""


class RedirectRefused(Exception):
    """A redirect that is not followed, with the reason."""


def redirected(session: Session, configured: str, url: str, location: str) -> str:
    """The address to which `location` leads from `url`; the session goes there without credentials.

    It may connect to public addresses and to networks of the kind in which `configured` is, and to
    no others whatever names stand for by then. Raises `RedirectRefused`.
    """
    old, new = parse_url(url), parse_url(urljoin(url, location))
    if new.scheme not in ("http", "https"):
        raise RedirectRefused(f"it redirects to {new}, which is not HTTP")
    if (old.scheme, new.scheme) == ("https", "http"):
        raise RedirectRefused(f"it redirects from https to {new}, where anyone on the way reads on")
    allowed = networks_of(parse_url(configured)) | {PUBLIC}
    for network in networks_of(new) - allowed:
        raise RedirectRefused(_words(new.host, network))
    if not is_same_origin(old.url, new.url):
        session.auth = _without_credentials
        for scheme in ("http://", "https://"):
            session.mount(scheme, _Bounded(allowed))
    return new.url


def is_same_origin(one: str, other: str) -> bool:
    """Whether two addresses have scheme, host and port in common."""
    first, second = parse_url(one), parse_url(other)
    return (first.scheme, first.host, first.port) == (second.scheme, second.host, second.port)


def networks_of(url: Url) -> set[str]:
    """The kinds of network in which a host is; none where its name is unknown to this machine."""
    try:
        found = socket.getaddrinfo((url.host or "").strip("[]"), None, type=socket.SOCK_STREAM)
    except OSError:  # as behind a proxy, which looks names up itself
        return set()
    return {network_of(str(address[0])) for *_, address in found}


def network_of(address: str) -> str:
    """What an IP address reaches: this machine, its link, a private network, or all the world."""
    ip: Any = ip_address(address)
    if ip.version == 6:
        carried = IPv4Address(int(ip) & 0xFFFFFFFF) if ip in NAT64 else ip.sixtofour
        ip = ip.ipv4_mapped or carried or ip
    if ip.is_loopback or ip.is_unspecified:
        return "loopback"
    if ip.is_link_local:
        return "link-local"
    is_public = ip.is_global and not ip.is_multicast and not any(ip in one for one in NOT_PUBLIC)
    return PUBLIC if is_public else "private"


def _words(host: str | None, network: str) -> str:
    return f"it redirects to {host}, a {network} address, which its own is not"


def _without_credentials(request: PreparedRequest) -> PreparedRequest:
    """In the place of those that the address or a .netrc may hold for any host."""
    return request


class _Bounded(HTTPAdapter):
    """Sends nothing over a connection that ended up in another kind of network than `allowed`.

    Proxies are not held to it: they are of the operator's choice.
    """

    def __init__(self, allowed: set[str]) -> None:
        self._allowed = allowed
        super().__init__()

    def init_poolmanager(self, *words: Any, **settings: Any) -> None:
        super().init_poolmanager(*words, **settings)
        allowed = self._allowed

        class Connection(HTTPConnection):
            def connect(self) -> None:
                super().connect()
                _see_peer(self, allowed)

        class SecureConnection(HTTPSConnection):
            def connect(self) -> None:
                super().connect()
                _see_peer(self, allowed)

        class Pool(HTTPConnectionPool):
            ConnectionCls = Connection

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = SecureConnection

        self.poolmanager.pool_classes_by_scheme = {"http": Pool, "https": SecurePool}


def _see_peer(connection: HTTPConnection, allowed: set[str]) -> None:
    """Refuse the connection if a name stands for another address now than when it was looked up."""
    assert connection.sock is not None
    network = network_of(connection.sock.getpeername()[0])
    if network not in allowed:
        connection.close()
        raise RedirectRefused(_words(connection.host, network))
