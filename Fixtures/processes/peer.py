# A host without sockets behind v1: it answers ARP, accepts every connection of TCP and acknowledges what it gets.
import socket, struct

link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
link.bind(("v1", 0))
mac = link.getsockname()[4]
FIN, SYN, ACK, OUTGOING = 1, 2, 16, 4


def checksum(octets):
    if len(octets) % 2:
        octets += b"\0"
    total = sum(struct.unpack(f">{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack(">H", ~total & 0xFFFF)


def answer(frame, sequence, acknowledged, flags, ports):
    source, destination = frame[30:34], frame[26:30]
    tcp = struct.pack(
        ">HHIIBBHHH", ports[1], ports[0], sequence & 0xFFFFFFFF, acknowledged & 0xFFFFFFFF, 0x50, flags, 60000, 0, 0
    )
    tcp = tcp[:16] + checksum(source + destination + struct.pack(">BBH", 0, 6, len(tcp)) + tcp) + tcp[18:]
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0) + source + destination
    link.send(frame[6:12] + mac + b"\x08\x00" + ip[:10] + checksum(ip) + ip[12:] + tcp)


while True:
    frame, address = link.recvfrom(1 << 16)
    if address[2] == OUTGOING:
        continue
    if frame[12:14] == b"\x08\x06" and frame[20:22] == b"\0\1":
        reply = mac + frame[38:42] + frame[22:32]
        link.send(frame[6:12] + mac + b"\x08\x06\0\1\x08\0\6\4\0\2" + reply)
    elif frame[12:14] == b"\x08\0" and frame[23] == 6:
        tcp = frame[14 + (frame[14] & 15) * 4 : 14 + struct.unpack(">H", frame[16:18])[0]]
        source, destination, sequence, acknowledged, offset, flags = struct.unpack(">HHIIBB", tcp[:14])
        length = len(tcp) - (offset >> 4) * 4
        if flags & SYN:
            answer(frame, 1000, sequence + 1, SYN | ACK, (source, destination))
        elif flags & FIN:
            answer(frame, acknowledged, sequence + length + 1, FIN | ACK, (source, destination))
        elif length:
            answer(frame, acknowledged, sequence + length, ACK, (source, destination))
