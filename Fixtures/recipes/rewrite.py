#!/usr/bin/env python3
"""Writes the packets of a pcap file to another, behind other headers or in another byte order.

usage: rewrite.py IN OUT CHANGE...

Changes are made in their order, and each that adds a header puts it in front of the packet as it then is:

  without-ethernet       takes the Ethernet header off (the new link type is RAW)
  ethernet               a header with the EtherType of what follows
  vlan:ID[:PRIORITY]     an 802.1Q tag behind the Ethernet addresses; service-vlan is the same for 802.1ad
  mpls:LABEL:BOTTOM      a label stack entry; BOTTOM is 1 for the last of the stack
  pppoe:SESSION          PPPoE and PPP
  gre[:KEY]  geneve:VNI  tunnel headers
  udp:PORT               UDP without checksum
  ipv4  ipv6             a header from 203.0.113.1 to 203.0.113.2, or 2001:db8:f::1 to 2001:db8:f::2
  null  loop             BSD loopback, address families in the file's byte order, or big-endian
  link:TYPE              no change but of the link type's number in the file
  big-endian             file (and `null`) headers in big-endian order
"""

import struct
import sys

ETHERNET, RAW, NULL, LOOP = 1, 101, 0, 108
IPV4, IPV6, TEB, MPLS, PPPOE = 0x0800, 0x86DD, 0x6558, 0x8847, 0x8864
PROTOCOLS = {IPV4: 4, IPV6: 41}


def checksum(octets):
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def network(packet):
    return IPV4 if packet[0] >> 4 == 4 else IPV6


class Packet:
    """The octets, the EtherType and the IP protocol number that announce them, and the link type that they begin with."""

    def __init__(self, octets):
        self.octets, self.ethertype, self.protocol, self.link = octets, TEB, None, ETHERNET

    def push(self, header, ethertype=None, protocol=None, link=RAW):
        self.octets = header + self.octets
        self.ethertype, self.protocol, self.link = ethertype, protocol, link

    def change(self, name, arguments, order):
        numbers = [int(argument) for argument in arguments]
        if name == "without-ethernet":
            self.octets = self.octets[14:]
            self.ethertype, self.protocol, self.link = network(self.octets), PROTOCOLS[network(self.octets)], RAW
        elif name == "ethernet":
            addresses = bytes.fromhex("0200000000f2 0200000000f1")
            self.push(addresses + struct.pack("!H", self.ethertype), TEB, None, ETHERNET)
        elif name in ("vlan", "service-vlan"):
            priority = numbers[1] if len(numbers) > 1 else 0
            tag = struct.pack("!HH", 0x8100 if name == "vlan" else 0x88A8, priority << 13 | numbers[0])
            self.octets = self.octets[:12] + tag + self.octets[12:]
        elif name == "mpls":
            self.push(struct.pack("!I", numbers[0] << 12 | numbers[1] << 8 | 64), MPLS, 137)
        elif name == "pppoe":
            ppp = {IPV4: 0x0021, IPV6: 0x0057}[self.ethertype]
            self.push(struct.pack("!BBHHH", 0x11, 0, numbers[0], len(self.octets) + 2, ppp), PPPOE)
        elif name == "gre":
            key = struct.pack("!I", numbers[0]) if numbers else b""
            self.push(struct.pack("!HH", 0x2000 if numbers else 0, self.ethertype) + key, None, 47)
        elif name == "geneve":
            self.push(struct.pack("!BBHI", 0, 0, self.ethertype, numbers[0] << 8), None, "geneve")
        elif name == "udp":
            self.push(struct.pack("!HHHH", 40000, numbers[0], 8 + len(self.octets), 0), None, 17)
        elif name == "ipv4":
            header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(self.octets), 1, 0x4000, 64, self.protocol, 0)
            header += bytes([203, 0, 113, 1, 203, 0, 113, 2])
            self.push(header[:10] + struct.pack("!H", checksum(header)) + header[12:], IPV4, 4)
        elif name == "ipv6":
            header = struct.pack("!IHBB", 6 << 28, len(self.octets), self.protocol, 64)
            self.push(header + bytes.fromhex("20010db8000f00000000000000000001 20010db8000f00000000000000000002"), IPV6, 41)
        elif name in ("null", "loop"):
            family = {IPV4: 2, IPV6: 30}[network(self.octets)]
            format = order + "I" if name == "null" else "!I"
            self.push(struct.pack(format, family), link=NULL if name == "null" else LOOP)
        elif name == "link":
            self.link = numbers[0]
        elif name != "big-endian":
            sys.exit(f"no such change: {name}")


def main():
    source, target, *changes = sys.argv[1:]
    data = open(source, "rb").read()
    if data[:4] != bytes.fromhex("d4c3b2a1"):
        sys.exit("the input must be a little-endian pcap file with microseconds")
    order = ">" if "big-endian" in changes else "<"
    offset, records, link = 24, [], None
    while offset < len(data):
        seconds, fraction, caplen, length = struct.unpack_from("<IIII", data, offset)
        packet = Packet(data[offset + 16 : offset + 16 + caplen])
        for change in changes:
            name, *arguments = change.split(":")
            packet.change(name, arguments, order)
        link = packet.link
        records.append(struct.pack(order + "IIII", seconds, fraction, len(packet.octets), len(packet.octets)) + packet.octets)
        offset += 16 + caplen
    header = struct.pack(order + "IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, link)
    open(target, "wb").write(header + b"".join(records))


main()
