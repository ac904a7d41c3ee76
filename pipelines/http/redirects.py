"""Where a source may redirect to: its own server, and by https to others at public addresses.

Otherwise whoever runs a source, or sits between, could have the machine of Isobar send requests to
servers that only this machine reaches: on itself, in its own network, the one that hands out a
cloud's credentials. A name that stands for such a server by the time of connecting gets no request
either: the server has no certificate for the name.
Where the configured address itself points is the operator's business.
"""

import socket
from ipaddress import IPv4Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import urljoin

from urllib3.util import Url, parse_url

NAT64 = IPv6Network("64:ff9b::/96")
#: Networks that some versions of Python take for public ones.
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


class RedirectRejected(Exception):
    """A redirect that is not followed, with the reason."""


def redirect_target(url: str, location: str) -> str:
    """The address to which `location` leads from `url`. Raises `RedirectRejected`."""
    old, new = parse_url(url), parse_url(urljoin(url, location))
    if new.scheme not in ("http", "https"):
        raise RedirectRejected(f"it redirects to {new}, which is not HTTP")
    if not is_same_origin(old.url, new.url):
        if new.scheme != "https":
            raise RedirectRejected(
                f"it redirects to {new}, another server without https, where anyone on the way"
                " reads on"
            )
        if not _is_upgrade(old, new) and not all(map(is_public, _addresses(new))):
            raise RedirectRejected(f"it redirects to {new.host}, which is no public address")
    return new.url


def is_same_origin(one: str, other: str) -> bool:
    """Whether two addresses have scheme, host and port in common."""
    first, second = parse_url(one), parse_url(other)
    return (first.scheme, first.host, first.port) == (second.scheme, second.host, second.port)


def is_public(address: str) -> bool:
    """Whether an IP address is reached by all the world, in whatever form it is written."""
    ip: Any = ip_address(address)
    if ip.version == 6:
        carried = IPv4Address(int(ip) & 0xFFFFFFFF) if ip in NAT64 else ip.sixtofour
        ip = ip.ipv4_mapped or carried or ip
    return ip.is_global and not ip.is_multicast and not any(ip in one for one in NOT_PUBLIC)


def _is_upgrade(old: Url, new: Url) -> bool:
    """Whether it is the same server, by https instead of http."""
    return old.host == new.host and old.port in (None, 80) and new.port in (None, 443)


def _addresses(url: Url) -> set[str]:
    """The IP addresses of a host; none where its name is unknown here, as behind a proxy."""
    try:
        found = socket.getaddrinfo((url.host or "").strip("[]"), None, type=socket.SOCK_STREAM)
    except OSError:
        return set()
    return {str(address[0]) for *_, address in found}
