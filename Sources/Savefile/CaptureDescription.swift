import Glibc
public import PacketCore

/// What a savefile states about how its packets were captured. A pcap file has room for link type and snapshot length only.
public struct CaptureDescription: Sendable {
  /// The first interface, and what is assumed of those that nothing is known of.
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

  /// Name and release of the system that this program runs on, `Linux 6.1.0`; nil if it does not say.
  public static var runningSystem: String? {
    var names = utsname()
    guard unsafe uname(&names) == 0 else { return nil }
    func text(_ field: some BitwiseCopyable) -> String {
      // Safe: the octets of the field are looked at, no more.
      unsafe withUnsafeBytes(of: field) { octets in
        unsafe String(decoding: octets.prefix { $0 != 0 }, as: UTF8.self)
      }
    }
    return "\(text(names.sysname)) \(text(names.release))"
  }
}

/// What was counted while packets were captured on an interface, for the last block of a file.
public struct CaptureCounts: Sendable, Equatable {
  /// Packets that the kernel's filter let through.
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
