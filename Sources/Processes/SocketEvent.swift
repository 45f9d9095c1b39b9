import PacketCore

/// An event from the kernel about a socket that is used with addresses: see `OwnershipPrograms` for the format.
struct SocketEvent: Equatable {
  /// Nanoseconds since the start of the system.
  var time: UInt64
  /// The socket's cookie.
  var cookie: UInt64
  var addresses: SocketAddresses
  /// The cookie of its network namespace; 0 if it is not known.
  var namespace: UInt64
  /// Nil if the socket is older than the capture, or belongs to the kernel.
  var owner: ProcessOwner?

  /// Nil if the record is not an event. `group` finds a control group by number.
  init?(_ record: RawSpan, group: (UInt64) -> ControlGroup?) {
    guard record.byteCount == OwnershipPrograms.eventSize else { return nil }
    func load<Number: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, _: Number.Type) -> Number {
      // Safe: callers name offsets within the 104 bytes.
      unsafe record.unsafeLoadUnaligned(fromByteOffset: offset, as: Number.self)
    }
    func address(_ offset: Int, _ version: UInt8) -> UInt128 {
      version == 4
        ? UInt128(UInt32(bigEndian: load(offset, UInt32.self))) : UInt128(bigEndian: load(offset, UInt128.self))
    }
    time = load(0, UInt64.self)
    cookie = load(8, UInt64.self)
    let version = load(53, UInt8.self)
    addresses = SocketAddresses(
      version: version, proto: load(52, UInt8.self), local: address(16, version), remote: address(32, version),
      localPort: UInt16(bigEndian: load(48, UInt16.self)), remotePort: UInt16(bigEndian: load(50, UInt16.self)))
    namespace = load(56, UInt64.self)
    let process = load(64, UInt32.self)
    guard process != 0 else {
      owner = nil
      return
    }
    owner = ProcessOwner(
      process: process, thread: load(68, UInt32.self), user: load(72, UInt32.self),
      controlGroup: group(load(80, UInt64.self)), name: ProcessName(littleEndian: load(88, UInt128.self)),
      evidence: .event)
  }

  init(
    time: UInt64, cookie: UInt64 = 0, addresses: SocketAddresses, namespace: UInt64 = 0, owner: ProcessOwner?
  ) {
    self.time = time
    self.cookie = cookie
    self.addresses = addresses
    self.namespace = namespace
    self.owner = owner
  }
}
