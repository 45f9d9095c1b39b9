public import BPF
import CLinux
import CPcap
import Glibc

/// Why packets cannot be captured or read through libpcap: one line, without the program's name.
public struct CaptureError: Error, Sendable, CustomStringConvertible {
  /// The kind of error, for callers that handle some of them.
  public enum Kind: Sendable, Equatable {
    /// The privilege to capture is missing.
    case permission
    /// There is no such interface.
    case noSuchDevice
    /// The kernel does not provide a packet ring; libpcap may work without one.
    case noRing
    case other
  }

  public let kind: Kind
  /// What is wrong, in words.
  public let description: String
  /// The range of the filter that the error refers to; nil if it does not concern the filter.
  public let source: SourceRange?

  init(_ description: String, kind: Kind = .other, source: SourceRange? = nil) {
    self.source = source
    self.kind = kind
    self.description = description
  }

  /// The system's message for an error number, for a device.
  init(device: String, errno code: CInt, _ what: String? = nil) {
    let words = unsafe String(cString: strerror(code))
    self.init("\(device): \(what.map { "\($0): " } ?? "")\(words)", kind: code == ENODEV ? .noSuchDevice : .other)
  }

  /// The kernel does not provide a packet ring for a device.
  init(noRingOn device: String, _ what: String, errno code: CInt) {
    self.init("\(device): \(what): \(unsafe String(cString: strerror(code)))", kind: .noRing)
  }

  /// A packet socket was refused for a device (EPERM): either the privilege to capture is missing, or something else refuses it.
  init(missingPrivilege device: String) {
    guard Self.hasPrivilege else {
      self.init("\(device): no permission to capture: the capability CAP_NET_RAW is missing", kind: .permission)
      return
    }
    self.init(
      "\(device): a packet socket was refused although CAP_NET_RAW is there: by the seccomp profile of a container, or because the network belongs to another user namespace"
    )
  }

  /// True if CAP_NET_RAW is among the effective capabilities of the process.
  private static var hasPrivilege: Bool {
    // struct __user_cap_header_struct with _LINUX_CAPABILITY_VERSION_3, and two of struct __user_cap_data_struct.
    var header: (UInt32, CInt) = (0x2008_0522, 0)
    var words: (UInt32, UInt32, UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0, 0, 0)
    // Safe: the kernel reads 8 bytes of the former, and writes 24 of the latter.
    let result = unsafe withUnsafeMutableBytes(of: &header) { header in
      unsafe withUnsafeMutableBytes(of: &words) { words in
        linux_call(
          Int(SYS_capget), UInt(bitPattern: header.baseAddress), UInt(bitPattern: words.baseAddress), 0, 0, 0)
      }
    }
    let netRaw: UInt32 = 13
    return result == 0 && words.0 >> netRaw & 1 != 0
  }

  /// There is no such device.
  init(noSuchDevice device: String) {
    self.init("\(device): no such interface (apus -D lists them)", kind: .noSuchDevice)
  }
}

/// A buffer for the error messages of libpcap's functions.
struct ErrorBuffer {
  private var text = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))

  /// The result of `body`, which gets the buffer.
  mutating func with<Result>(_ body: (UnsafeMutablePointer<CChar>) -> Result?) -> Result? {
    unsafe text.withUnsafeMutableBufferPointer { buffer in
      // Safe: the array has PCAP_ERRBUF_SIZE elements, so there is an address.
      unsafe buffer.baseAddress.flatMap { unsafe body($0) }
    }
  }

  /// The message.
  var message: String {
    String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
