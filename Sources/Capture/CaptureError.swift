public import BPF
import CPcap
import Glibc

/// Why packets cannot be captured or read through libpcap: one line, without the program's name.
public struct CaptureError: Error, Sendable, CustomStringConvertible {
  /// What kind of trouble it is, for those who can do something about it.
  public enum Kind: Sendable, Equatable {
    /// The privilege to capture is missing.
    case permission
    /// There is no such interface.
    case noSuchDevice
    /// The kernel gives no packet ring; libpcap may do without.
    case noRing
    case other
  }

  public let kind: Kind
  /// What is wrong, in words.
  public let description: String
  /// The words of the filter that are meant; nil where it is not about the filter.
  public let source: SourceRange?

  init(_ description: String, kind: Kind = .other, source: SourceRange? = nil) {
    self.source = source
    self.kind = kind
    self.description = description
  }

  /// What the system says of an error number, for a device.
  init(device: String, errno code: CInt, _ what: String? = nil) {
    let words = unsafe String(cString: strerror(code))
    self.init("\(device): \(what.map { "\($0): " } ?? "")\(words)", kind: code == ENODEV ? .noSuchDevice : .other)
  }

  /// The kernel gives no packet ring for a device.
  init(noRingOn device: String, _ what: String, errno code: CInt) {
    self.init("\(device): \(what): \(unsafe String(cString: strerror(code)))", kind: .noRing)
  }

  /// The privilege to capture on a device is missing.
  init(missingPrivilege device: String) {
    self.init("\(device): no permission to capture: the capability CAP_NET_RAW is missing", kind: .permission)
  }

  /// There is no such device.
  init(noSuchDevice device: String) {
    self.init("\(device): no such interface (apus -D lists them)", kind: .noSuchDevice)
  }
}

/// A buffer for the error messages of libpcap's functions.
struct ErrorBuffer {
  private var text = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))

  /// What `body`, given the buffer, gives back.
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
