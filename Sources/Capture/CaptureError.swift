public import BPF
import CPcap

/// Why packets cannot be captured or read through libpcap: one line, without the program's name.
public struct CaptureError: Error, Sendable, CustomStringConvertible {
  /// What kind of trouble it is, for those who can do something about it.
  public enum Kind: Sendable, Equatable {
    /// The privilege to capture is missing.
    case permission
    /// There is no such interface.
    case noSuchDevice
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
