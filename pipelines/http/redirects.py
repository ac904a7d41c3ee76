"""Redirect policy: to a source's own server, and over https to other servers at public addresses.

Otherwise whoever runs a source, or intercepts its traffic, could make Isobar's machine send
requests to servers that only this machine reaches: itself, its own network, or a cloud's credential
service (server-side request forgery). A host name that resolves to such a server only at the time
of connecting does not help an attacker: the server has no certificate for the name.

The configured URL itself is the operator's responsibility.
"""

import socket
from ipaddress import IPv4Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import urljoin

from urllib3.util import Url, parse_url

NAT64 = IPv6Network("64:ff9b::/96")
#: Networks that some versions of Python consider public.
NOT_PUBLIC = tuple(
    map(
        ip_network,
        (
            "168.63.129.16/32",  # a cloud provider's internal services
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
    """Return the URL to which `location` leads from `url`. Raises `RedirectRejected`."""
    old = parse_url(url)
    try:
        new = parse_url(urljoin(url, location))
    except ValueError as error:
        raise RedirectRejected(f"it redirects to what is not an address: {error}") from error
    if new.scheme not in ("http", "https"):
        raise RedirectRejected(f"it redirects to {new}, which is not HTTP")
    if not is_same_origin(old.url, new.url):
        if new.scheme != "https":
            raise RedirectRejected(
                f"it redirects to {new}, another server without https: anyone on the way could read"
                " what is sent"
            )
        if not _is_upgrade(old, new) and not all(map(is_public, _addresses(new))):
            raise RedirectRejected(f"it redirects to {new.host}, which is not a public address")
    return new.url


def is_same_origin(one: str, other: str) -> bool:
    """Return whether two URLs have the same scheme, host and port."""
    first, second = parse_url(one), parse_url(other)
    return (first.scheme, first.host, first.port) == (second.scheme, second.host, second.port)


def is_public(address: str) -> bool:
    """Return whether an IP address is globally reachable, in any notation."""
    ip: Any = ip_address(address)
    if ip.version == 6:
        carried = IPv4Address(int(ip) & 0xFFFFFFFF) if ip in NAT64 else ip.sixtofour
        ip = ip.ipv4_mapped or carried or ip
    return ip.is_global and not ip.is_multicast and not any(ip in one for one in NOT_PUBLIC)


def _is_upgrade(old: Url, new: Url) -> bool:
    """Return whether the redirect leads to the same server by https instead of http."""
    return old.host == new.host and old.port in (None, 80) and new.port in (None, 443)


def _addresses(url: Url) -> set[str]:
    """Return a host's IP addresses; none if its name does not resolve here, as behind a proxy."""
    try:
        found = socket.getaddrinfo((url.host or "").strip("[]"), None, type=socket.SOCK_STREAM)
    except OSError:
        return set()
    return {str(address[0]) for *_, address in found}
