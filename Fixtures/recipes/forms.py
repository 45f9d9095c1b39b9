#!/usr/bin/env python3
"""Writes captures of packets that hardly any program sends: every option and message of a protocol once, values at their
limits, lengths that cannot be. What they print lies beside them in Fixtures/forms, and was compared with tcpdump's text.

    python3 forms.py Fixtures/forms"""

import struct
import sys

SOURCE, TARGET = bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2])
SOURCE6 = bytes.fromhex("20010db8000000000000000000000001")
TARGET6 = bytes.fromhex("20010db8000000000000000000000002")


def checksum(octets):
    octets += b"\0" * (len(octets) % 2)
    total = sum(struct.unpack(f">{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ethernet(ethertype, payload):
    return bytes.fromhex("020000000002020000000001") + struct.pack(">H", ethertype) + payload


def ipv4(protocol, payload):
    header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0) + SOURCE + TARGET
    return header[:10] + struct.pack(">H", checksum(header)) + header[12:] + payload


def ipv6(next_header, payload):
    return struct.pack(">IHBB", 6 << 28, len(payload), next_header, 64) + SOURCE6 + TARGET6 + payload


def udp(source, target, payload, version=4):
    header = struct.pack(">HHHH", source, target, 8 + len(payload), 0) + payload
    pseudo = (
        SOURCE + TARGET + struct.pack(">HH", 17, len(header))
        if version == 4
        else SOURCE6 + TARGET6 + struct.pack(">II", len(header), 17)
    )
    return header[:6] + struct.pack(">H", checksum(pseudo + header) or 0xFFFF) + payload


def tcp(source, target, flags, payload=b"", options=b""):
    options += b"\0" * (-len(options) % 4)
    offset = (20 + len(options)) // 4
    header = struct.pack(">HHIIHHHH", source, target, 1000, 2000, offset << 12 | flags, 500, 0, 0) + options + payload
    total = checksum(SOURCE + TARGET + struct.pack(">HH", 6, len(header)) + header)
    return header[:16] + struct.pack(">H", total) + header[18:]


def icmp(message):
    return message[:2] + struct.pack(">H", checksum(message)) + message[4:]


def icmp6(message):
    pseudo = SOURCE6 + TARGET6 + struct.pack(">II", len(message), 58)
    return message[:2] + struct.pack(">H", checksum(pseudo + message)) + message[4:]


def icmp_forms():
    quoted = ipv4(17, udp(1000, 53, b"query"))
    for kind in (0, 1, 3, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 42, 43, 100, 255):
        for code in (0, 1, 3, 15):
            yield ethernet(0x0800, ipv4(1, icmp(bytes([kind, code, 0, 0, 0, 2, 0, 5]) + quoted)))
    for length in range(0, 28, 3):
        yield ethernet(0x0800, ipv4(1, icmp(bytes([11, 0, 0, 0]) + bytes(length))))


def icmp6_forms():
    def message(text):
        return ethernet(0x86DD, ipv6(58, icmp6(bytes.fromhex(text))))

    for kind in (1, 2, 3, 4, 128, 130, 131, 132, 133, 134, 135, 136, 137, 138, 143, 144, 145, 146, 147, 200):
        for length in (0, 4, 16, 20, 24, 44):
            yield message(f"{kind:02x}000000" + "00" * length)
    renumbering = "8a000000" + "00000005" + "03f80007" + "00000000"
    for operations in ("", "0107018000800000" + "20" * 16 + "40" * 32, "0106018000800000" + "20" * 16 + "40" * 32):
        yield message(renumbering + operations)
    yield message(renumbering[:24] + "12345678")
    for sources in (0, 16, 32):
        yield message("8f000000" + "00000001" + "01000002" + "11" * 16 + "22" * sources)
    for option in range(0, 40):
        for units in (1, 2, 4):
            value = bytes(range(1, units * 8 - 1)).hex()
            yield message(f"85000000{0:08x}{option:02x}{units:02x}{value}0101aabbccddeeff")
    for code in (0, 1, 2, 3):
        for query in (0, 1, 2, 3, 4):
            for length in (8, 12, 24):
                yield message(f"8b{code:02x}0000{query:04x}0000" + "00" * length)
                yield message(f"8c{code:02x}0000{query:04x}0000" + "00" * length)


def ppp_forms():
    def frame(protocol, code, data, delta=0):
        data = bytes.fromhex(data)
        message = struct.pack(">HBBH", protocol, code, 7, 4 + len(data) + delta) + data
        return ethernet(0x8864, struct.pack(">BBHH", 0x11, 0, 5, len(message)) + message)

    for protocol, options in ((0xC021, range(0, 32)), (0x8021, (1, 2, 3, 129, 5)), (0x8057, (1, 2)), (0x80FD, (0, 17, 21, 24, 26, 255)), (0xC02B, (1, 2))):
        for option in options:
            for length in (1, 2, 3, 4, 6, 7, 10):
                yield frame(protocol, 1, f"{option:02x}{length:02x}" + "0102030405060708"[: 2 * max(0, length - 2)] + "0104aaaa")
    for code in range(0, 16):
        yield frame(0xC021, code, "0102030405060708")
        yield frame(0x8021, code, "8021")
    for options in ("01", "070208", "1fff0102", "1f05aa", "e402"):
        yield frame(0xC021, 1, options)
        yield frame(0x8021, 1, options)
    for code in (0, 1, 2, 3, 4):
        for data in ("", "03", "036162", "0361626302", "036162630278", "00"):
            for delta in (0, -2, 3):
                yield frame(0xC023, code, data, delta)
                yield frame(0xC223, code, data, delta)
    for protocol in (0x0027, 0x0031, 0xC025, 0xC03D, 0x1234, 0x7E7E, 0x8281):
        yield frame(protocol, 1, "01020304")
    for version, code, session, tags, delta in (
        (0x11, 9, 0, "01010000", 0), (0x11, 9, 0, "01010000", 5), (0x21, 0x33, 7, "12340003ff0102", 0),
        (0x11, 9, 0, "0101", 0), (0x11, 9, 0, "0101000461", 0), (0x12, 0xA7, 1, "0201000361622001020000", -1),
    ):
        tags = bytes.fromhex(tags)
        yield ethernet(0x8863, struct.pack(">BBHH", version, code, session, len(tags) + delta) + tags)


def tcp_forms():
    def segment(flags, options):
        return ethernet(0x0800, ipv4(6, tcp(1000, 2000, flags, options=options)))

    for kind in (2, 3, 4, 5, 6, 8, 11, 19, 20, 28, 29, 34, 69, 253, 254):
        for length in (0, 2, 3, 4, 6, 10, 18):
            yield segment(0x02, bytes([kind, length]) + bytes(range(1, max(1, length - 1))))
    for subtype in range(0, 10):
        for bits in (0, 1, 2, 4):
            for length in (3, 4, 8, 10, 12, 16, 20, 22):
                value = (bytes([subtype << 4 | bits, 0x05]) + bytes(range(1, 30)))[: length - 2]
                yield segment(0x02 if length < 20 else 0x10, bytes([30, length]) + value)
    for text in (b"login: ", b"\xff\xfb\x01\xff\xfa\x18\x01", b"\xff\xfa\x18\x01ab\xff", b"\xff\xfa\x25\x01\x0e\x01x\xff\xf0", b"\xff\xfa\x18"):
        yield ethernet(0x0800, ipv4(6, tcp(23, 2000, 0x18, text)))


def dhcp_forms():
    def message(options, cookie=0x63825363, name=b"", file=b""):
        fixed = struct.pack(">BBBBIHH4I", 1, 1, 6, 0, 1, 0, 0, 0, 0, 0, 0) + bytes.fromhex("020000000001") + bytes(10)
        area = name.ljust(64, b"\0") + file.ljust(128, b"\0") + struct.pack(">I", cookie) + options
        return ethernet(0x0800, ipv4(17, udp(68, 67, fixed + area)))

    for length in (0, 1, 4, 9):
        for first in range(1, 255, 20):
            options = (bytes([option, length]) + bytes(range(1, length + 1)) for option in range(first, min(first + 20, 255)))
            yield message(b"".join(options) + b"\xff")
    for end in ("ff9c000000", "ff0c0161", "ff00000c016100", "0c00ff", "5201ff"):
        yield message(bytes.fromhex("350101" + end), name=b"server\1", file=b"boot\xe9")
    for cookie in (0, 0x434D5500, 0x05825363):
        yield message(bytes(range(1, 60)), cookie)
    # A packet between the port of a TFTP server and that of a DHCP server: it is printed as DHCP.
    yield ethernet(0x0800, ipv4(17, udp(69, 67, b"\0\5\0\1missing\0")))


def dhcp6_forms():
    def message(options):
        return ethernet(0x86DD, ipv6(17, udp(546, 547, bytes.fromhex("01123456") + options, 6)))

    for option in list(range(0, 70)) + [112, 136, 143]:
        for length in (0, 1, 2, 4, 16, 28):
            yield message(struct.pack(">HH", option, length) + bytes(range(0, length)))
    for code in range(0, 13):
        yield message(struct.pack(">HHH", 13, 5, code) + b"why")


def cooked_forms():
    payload = ipv4(17, udp(1000, 53000, b"text"))
    for kind in (0, 1, 2, 3, 4, 7):
        for length in (0, 4, 6, 8, 9):
            for protocol in (0x0800, 2, 4, 0x1234):
                header = struct.pack(">HHH", kind, 1, length) + bytes(range(1, 9)) + struct.pack(">H", protocol)
                yield header + payload
    for inner in (0x0800, 12, 4, 0x1234, 0x8100):
        yield struct.pack(">HHH", 0, 1, 6) + bytes(range(1, 9)) + struct.pack(">HHH", 0x8100, 0x7005, inner) + payload


def radius_forms():
    def attribute(number, value):
        return bytes([number, len(value) + 2]) + value

    def message(attributes, code=1):
        header = struct.pack(">BBH", code, 7, 20 + len(attributes)) + bytes(range(16))
        return ethernet(0x0800, ipv4(17, udp(40000, 1812, header + attributes)))

    for code in (0, 1, 2, 3, 4, 5, 11, 12, 13, 40, 41, 42, 43, 44, 45, 255):
        yield message(b"", code)
    for number in range(0, 133):
        for value in (b"\0\0\0\1", b"\5abc\0defg\x80\1jklmn", b"", b"\x20"):
            yield message(attribute(number, value))
    for value in (0, 2, 20, 60, 3599, 3600, 0xFFFFFFFE, 0xFFFFFFFF):
        for number in (6, 7, 8, 14, 27, 49, 57, 61, 64, 83, 101):
            yield message(attribute(number, struct.pack(">I", value)))
    for value in (b"\x31\0\0\5", b"\x32\0\x0f\xff"):
        yield message(attribute(56, value) + attribute(58, value[:1] + b"vlan"))
    for parts in (b"\1\6abcd\2\4zz", b"\1\x09abcd", b"\1\0ab", b"\1"):
        yield message(attribute(26, struct.pack(">I", 9) + parts))
    for bits, length in ((64, 16), (64, 8), (0, 0), (129, 16), (32, 4)):
        yield message(attribute(97, bytes([0, bits]) + SOURCE6[:length]))
    yield message(attribute(125, bytes([32]) + SOURCE6))
    yield message(attribute(70, bytes(range(16))) + attribute(71, bytes(range(14))) + attribute(84, bytes(range(8))))
    yield message(attribute(124, struct.pack(">Q", 0xFF)))
    time = struct.pack(">II", 0xE2B35EF7, 0x80000000)
    yield message(attribute(126, b"1realm") + attribute(127, struct.pack(">HBB", 1, 1, 0) + time + time + b"GPS"))
    yield message(attribute(128, b"\0\1somewhere") + attribute(129, b"\x80\0" + time + b"note"))
    for code, body in ((1, b"\1"), (2, b"\1bob"), (1, b"\2hi"), (2, b"\3\4\5"), (2, b"\3"), (1, b"\4abc"), (3, b"")):
        yield message(attribute(79, struct.pack(">BBH", code, 1, 4 + len(body)) + body))
    for method in (13, 21, 43):
        yield message(attribute(79, struct.pack(">BBH", 1, 1, 10) + bytes([method, 0xC0]) + b"\0\0\1\2"))
    for method in (18, 23):
        yield message(attribute(79, struct.pack(">BBH", 1, 1, 6) + bytes([method, 10])))
    yield message(attribute(79, b"\1\1\0\x20\1"))
    for kind in range(0, 6):
        yield ethernet(0x888E, struct.pack(">BBH", 2, kind, 8) + b"\2\1\0\x08\1bob")


captures = {
    "icmp": (1, icmp_forms), "icmp6": (1, icmp6_forms), "ppp": (1, ppp_forms),
    "tcp": (1, tcp_forms), "dhcp": (1, dhcp_forms), "dhcp6": (1, dhcp6_forms),
    "cooked": (113, cooked_forms), "radius": (1, radius_forms),
}
if __name__ == "__main__":
    for name, (link_type, packets) in captures.items():
        with open(f"{sys.argv[1]}/{name}.pcap", "wb") as file:
            file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, link_type))
            for second, packet in enumerate(packets()):
                file.write(struct.pack("<IIII", 1700000000 + second, 0, len(packet), len(packet)) + packet)
