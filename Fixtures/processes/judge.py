# Compares the processes that apus has named with the truth: "N ends, R right, W wrong, M missing, K of the kernel attributed".
import json, sys

truth = {}
for line in open(sys.argv[1]):
    protocol, port, *pids = line.split()
    truth.setdefault((protocol, int(port)), set()).update(map(int, pids))
pings = truth.pop(("icmp", 0), set())
ends = right = wrong = missing = kernel = 0
kinds = {}


def judge(kind, owner, allowed, packet):
    global ends, right, wrong, missing
    ends += 1
    pid = owner["pid"] if owner else None
    result = "missing" if pid is None else "right" if pid in allowed else "wrong"
    if result == "right":
        right += 1
    elif result == "wrong":
        wrong += 1
    else:
        missing += 1
    if result != "right":
        kinds[kind + " " + result] = kinds.get(kind + " " + result, 0) + 1


def forbid(owner):
    global kernel
    kernel += owner is not None


for line in open(sys.argv[2]):
    packet = json.loads(line)
    layers = {}
    for layer in packet["layers"]:
        layers.setdefault(layer["layer"], layer)
    owners = packet.get("process", {})
    sender, receiver = owners.get("sender"), owners.get("receiver")
    if "tcp" in layers:
        tcp = layers["tcp"]
        source, destination = tcp["source_port"], tcp["destination_port"]
        if 7999 in (source, destination):
            forbid(sender if source == 7999 else receiver)
            continue
        fromServer = source == 7000
        port = destination if fromServer else source
        client, server = (receiver, sender) if fromServer else (sender, receiver)
        if ("tcp", port) not in truth:
            continue
        judge("tcp client", client, truth["tcp", port], packet)
        allowed = truth.get(("tcp-server", port), set())
        if not (fromServer and tcp["payload_length"] > 0):
            allowed = allowed | truth["tcp-listener", 7000]
        judge("tcp server", server, allowed, packet)
    elif "icmp" in layers or "icmpv6" in layers:
        layer = layers.get("icmp") or layers.get("icmpv6")
        type = layer["type"]
        if type in (8, 128):
            judge("ping", sender, truth.get(("icmp", layer["id"]), pings), packet)
            forbid(receiver)
        elif type in (0, 129):
            judge("ping", receiver, truth.get(("icmp", layer["id"]), pings), packet)
            forbid(sender)
        else:
            forbid(sender)
            forbid(receiver)
    elif "arp" in layers:
        forbid(sender)
        forbid(receiver)
    elif "udp" in layers:
        udp = layers["udp"]
        source, destination = udp["source_port"], udp["destination_port"]
        if ("udp", source) not in truth:
            continue
        judge("udp sender", sender, truth["udp", source], packet)
        if destination == 7998:
            forbid(receiver)
        else:
            judge("udp receiver", receiver, truth["udp", destination], packet)
print(f"{ends} ends, {right} right, {wrong} wrong, {missing} missing, {kernel} of the kernel attributed")
print(kinds)
