import Glibc
public import PacketCore

/// How the packets of a savefile were captured, as stated in the file. A pcap file has room for link type and snapshot length only.
public struct CaptureDescription: Sendable {
  /// The first interface, and the default for interfaces without a description.
  public var interface: InterfaceDescription
  /// The program that writes the file, with its version.
  public var application: String?
  /// The operating system on which it runs.
  public var system: String?

  public init(
    _ interface: InterfaceDescription, application: String? = nil, system: String? = CaptureDescription.runningSystem
  ) {
    self.interface = interface
    self.application = application
    self.system = system
  }

  /// The link type of the first interface.
  var linkType: LinkType { interface.linkType }

  /// Name and release of the running system, `Linux 6.1.0`; nil if unknown.
  public static var runningSystem: String? {
    var names = utsname()
    guard unsafe uname(&names) == 0 else { return nil }
    func text(_ field: some BitwiseCopyable) -> String {
      // Safe: only the bytes of the field are read.
      unsafe withUnsafeBytes(of: field) { octets in
        unsafe String(decoding: octets.prefix { $0 != 0 }, as: UTF8.self)
      }
    }
    return "\(text(names.sysname)) \(text(names.release))"
  }
}

/// The counters of an interface after a capture, for the last block of a file.
public struct CaptureCounts: Sendable, Equatable {
  /// Packets that passed the kernel's filter.
  public var received: UInt64
  /// Packets that found no room in the kernel's buffer.
  public var droppedByKernel: UInt64
  /// Packets that the network card or its driver dropped.
  public var droppedByInterface: UInt64

  public init(received: UInt64, droppedByKernel: UInt64, droppedByInterface: UInt64) {
    self.received = received
    self.droppedByKernel = droppedByKernel
    self.droppedByInterface = droppedByInterface
  }
}
