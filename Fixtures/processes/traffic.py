# Traffic whose processes are known: one line for each end, "protocol port pid pid…".
import array, ctypes, os, socket, struct, subprocess, sys, time

folder, count = sys.argv[1], int(sys.argv[2])
server, server6 = sys.argv[3], sys.argv[4]
# The network namespace of the servers; that of the clients is the process's own.
namespace = sys.argv[5] if len(sys.argv) > 5 else "/proc/self/ns/net"
home = os.open("/proc/self/ns/net", os.O_RDONLY)


def enter(descriptor):
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, 0x40000000):
        raise OSError(ctypes.get_errno(), "setns")


truth = open(folder + "/truth", "a", buffering=1)


def note(protocol, port, *pids):
    os.write(truth.fileno(), f"{protocol} {port} {' '.join(map(str, pids))}\n".encode())


def child(body):
    pid = os.fork()
    if pid:
        return pid
    try:
        body()
    finally:
        os._exit(0)


def wait(path):
    while not os.path.exists(folder + "/" + path):
        time.sleep(0.01)


def listen(family, address, port):
    s = socket.socket(family)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((address, port))
    s.listen(200)
    return s


def serve(listener):
    while True:
        s, peer = listener.accept()
        note("tcp-server", peer[1], os.getpid())
        s.recv(100)
        s.send(b"answer")
        s.close()


def receive(s):
    while True:
        s.recvfrom(100)


# Sockets that are older than the capture.
enter(os.open(namespace, os.O_RDONLY))
old = [listen(socket.AF_INET, server, 7000), listen(socket.AF_INET6, server6, 7000)]
parent = os.getpid()
workers = [child(lambda: serve(s)) for s in old for _ in range(2)]
oldUDP = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
oldUDP.bind((server, 7100))
oldReceiver = child(lambda: receive(oldUDP))
enter(home)
older = socket.create_connection((server, 7000))
open(folder + "/ready", "w").close()
wait("go")

for s in old:
    note("tcp-listener", 7000, parent, *workers)
note("udp", 7100, parent, oldReceiver)
note("tcp", older.getsockname()[1], parent)
older.send(b"old")
older.recv(100)
older.close()

# Sockets that are made now.
enter(os.open(namespace, os.O_RDONLY))
newUDP = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
newUDP.bind((server6, 7101))
enter(home)
newReceiver = child(lambda: receive(newUDP))
note("udp", 7101, parent, newReceiver)


def connect(family, address):
    s = socket.create_connection((address, 7000))
    note("tcp", s.getsockname()[1], os.getpid())
    s.send(b"question")
    s.recv(100)
    s.close()


def datagram(family, address, port, connected):
    s = socket.socket(family, socket.SOCK_DGRAM)
    if connected:
        s.connect((address, port))
        s.send(b"x")
    else:
        s.sendto(b"x", (address, port))
    note("udp", s.getsockname()[1], os.getpid())


running = []
for i in range(count):
    six = i % 2
    family, address = (socket.AF_INET6, server6) if six else (socket.AF_INET, server)
    running.append(child(lambda: connect(family, address)))
    running.append(child(lambda: datagram(family, address, 7101 if six else 7100, i % 4 < 2)))
    if len(running) > 20:
        os.waitpid(running.pop(0), 0)
for pid in running:
    os.waitpid(pid, 0)

# A socket that is handed over.
left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)


def take():
    _, data, _, _ = right.recvmsg(1, 100)
    s = socket.socket(fileno=array.array("i", data[0][2])[0])
    s.sendto(b"handed", (server, 7100))
    note("udp", s.getsockname()[1], os.getpid())


def hand(s, body):
    taker = child(body)
    left.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [s.fileno()]))])
    os.waitpid(taker, 0)


for i in range(10):
    hand(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), take)


# One that is connected: what was sent before is of the one process, and what follows of the other.
def takeConnected():
    _, data, _, _ = right.recvmsg(1, 100)
    s = socket.socket(fileno=array.array("i", data[0][2])[0])
    note("tcp", s.getsockname()[1], os.getpid())
    s.send(b"handed")
    s.recv(100)
    s.close()


for i in range(10):
    s = socket.create_connection((server, 7000))
    note("tcp", s.getsockname()[1], os.getpid())
    hand(s, takeConnected)
    s.close()


# Echo requests by raw sockets, and by sockets of ping, which have their identifier from the kernel.
def ping(family, address, kind, identifier):
    six = family == socket.AF_INET6
    s = socket.socket(family, kind, socket.IPPROTO_ICMPV6 if six else socket.IPPROTO_ICMP)
    s.settimeout(2)
    if kind == socket.SOCK_RAW:
        note("icmp", identifier, os.getpid())
    header = struct.pack(">BBHHH", 128 if six else 8, 0, 0, identifier, 1) + b"ping"
    if not six:
        total = sum(struct.unpack(">6H", header))
        total = (total & 0xFFFF) + (total >> 16)
        header = header[:2] + struct.pack(">H", ~total & 0xFFFF) + header[4:]
    s.sendto(header, (address, 0))
    if kind == socket.SOCK_DGRAM:
        note("icmp", s.getsockname()[1], os.getpid())
        s.recv(100)
        return
    # A raw socket gets what others are sent, too, and on lo the requests.
    reply = bytes([129 if six else 0])
    while True:
        message = s.recv(200)
        message = message if six else message[20:]
        if message[:1] == reply and message[4:6] == header[4:6]:
            return


with open("/proc/sys/net/ipv4/ping_group_range", "w") as file:
    file.write("0 2147483647")
for i in range(10):
    for family, address in (socket.AF_INET, server), (socket.AF_INET6, server6):
        for kind in socket.SOCK_RAW, socket.SOCK_DGRAM:
            identifier = 50000 + 4 * i + (family == socket.AF_INET6) * 2
            running = child(lambda: ping(family, address, kind, identifier))
            os.waitpid(running, 0)

# What the kernel answers by itself.
try:
    socket.create_connection((server, 7999))
except OSError:
    pass
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect((server, 7998))
s.send(b"nobody")
note("udp", s.getsockname()[1], parent)
time.sleep(0.05)
for address in server, server6:
    ping = subprocess.Popen(["ping", "-c", "3", "-i", "0.02", address], stdout=subprocess.DEVNULL)
    note("icmp", 0, ping.pid)
    ping.wait()
time.sleep(0.1)
for pid in workers + [oldReceiver, newReceiver]:
    os.kill(pid, 9)
open(folder + "/done", "w").close()
