#!/usr/bin/env python3
"""Ends of TCP connections in uncommon states: tcp.py serve|urgent|reset|refused|window|slow [multipath]"""

import socket
import struct
import sys
import threading
import time

SERVER = ("192.0.2.2", 7000)
role = sys.argv[1]
protocol = 262 if "multipath" in sys.argv else 0  # IPPROTO_MPTCP


def answer(connection):
    request = connection.recv(6)
    if request == b"window":
        time.sleep(1)
    with connection:
        while connection.recv(65536):
            pass


def serve():
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
    listener.bind(SERVER)
    listener.listen()
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=answer, args=(connection,), daemon=True).start()


def connect(port=SERVER[1]):
    connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol)
    connection.connect((SERVER[0], port))
    return connection


if role == "serve":
    serve()
elif role == "urgent":
    with connect() as connection:
        connection.send(b"hello ")
        connection.send(b"now!", socket.MSG_OOB)
        time.sleep(0.1)
elif role == "reset":
    connection = connect()
    connection.send(b"bye")
    time.sleep(0.1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
elif role == "refused":
    connect(7001)
elif role == "window":
    with connect() as connection:
        connection.settimeout(2)
        connection.sendall(b"window" + bytes(3000))
elif role == "slow":
    with connect() as connection:
        for _ in range(4):
            connection.send(b"tick\n")
            time.sleep(0.3)
