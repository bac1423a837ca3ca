"""What kind of network an address belongs to."""

from __future__ import annotations

import ipaddress

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
METADATA = frozenset(
    map(ipaddress.ip_address, ("169.254.169.254", "fd00:ec2::254", "fd20:ce::254", "100.100.100.200"))
)
"""Where clouds tell a machine its own credentials."""


def parse(text: str) -> IPAddress:
    """As it is on the wire: without a zone, and where it stands for an IPv4 address, that one."""
    address = ipaddress.ip_address(text.split("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        return inner or address
    return address


def is_never_asked(address: IPAddress) -> bool:
    """Whether nothing that a task names can be there, however it is called."""
    return address in METADATA or address.is_link_local or address.is_multicast or address.is_unspecified


def is_public(address: IPAddress) -> bool:
    return address.is_global and not address.is_multicast and not is_never_asked(address)
