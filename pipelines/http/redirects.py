"""Redirects are followed on the server of the configured URL only, and from http to https on it.

Elsewhere, a source could make Isobar send credentials, or requests to servers of its own network.
"""

from urllib.parse import urljoin

from urllib3.util import Url, parse_url

USUAL_PORTS = {"http": 80, "https": 443}


def redirect_target(url: str, location: str) -> str | None:
    """Return the URL to which `location` leads from `url`; None if that is another server."""
    try:
        target = urljoin(url, location)
        old, new = parse_url(url), parse_url(target)
    except ValueError:  # not an address
        return None
    is_upgrade = (old.scheme, new.scheme, old.host) == ("http", "https", new.host)
    has_usual_ports = (_port(old), _port(new)) == (80, 443)
    return target if is_same_origin(url, target) or (is_upgrade and has_usual_ports) else None


def is_same_origin(one: str, other: str) -> bool:
    """Return whether two URLs have the same scheme, host and port."""
    first, second = parse_url(one), parse_url(other)
    return (first.scheme, first.host, _port(first)) == (second.scheme, second.host, _port(second))


def _port(url: Url) -> int | None:
    return url.port or USUAL_PORTS.get(url.scheme or "")
