import CPcap
import Glibc
public import PacketCore

/// An interface that can be captured on, as listed by libpcap.
public struct Interface: Sendable {
  /// The name for `-i`.
  public let name: String
  /// A short description; nil if libpcap has none.
  public let details: String?
  /// The state, in the words of `tcpdump -D`: `Up`, `Running`, `Loopback`, `Wireless`, `Connected` and so on.
  public let flags: [String]
  /// The netmask of its first IPv4 address, most significant byte first; nil if it has none.
  public let netmask: UInt32?

  public init(name: String, details: String?, flags: [String], netmask: UInt32?) {
    self.name = name
    self.details = details
    self.flags = flags
    self.netmask = netmask
  }
}

/// The interfaces that can be captured on.
public enum InterfaceList {
  /// All interfaces, in the order of their numbers: those best suited for capturing first.
  public static func all() throws(CaptureError) -> [Interface] {
    let libpcap = try Libpcap.functions
    var errors = ErrorBuffer()
    var list: UnsafeMutablePointer<pcap_if_t>?
    let status = unsafe errors.with { buffer in unsafe libpcap.findalldevs(&list, buffer) }
    guard status == 0 else { throw CaptureError(errors.message) }
    defer { unsafe libpcap.freealldevs(list) }
    var interfaces: [Interface] = []
    var next = unsafe list
    while let entry = unsafe next?.pointee {
      // Safe: libpcap's strings are valid until the list is freed.
      let name = unsafe entry.name.map { unsafe String(cString: $0) } ?? ""
      let details = unsafe entry.description.map { unsafe String(cString: $0) }
      interfaces.append(
        Interface(
          name: name, details: details, flags: words(for: unsafe entry.flags), netmask: unsafe netmask(entry.addresses))
      )
      unsafe next = entry.next
    }
    return interfaces
  }

  /// The name of the interface with that name or, if there is none, with that number in the list; the first one if `name` is nil.
  public static func device(_ name: String?) throws(CaptureError) -> String {
    guard let name else {
      guard let first = try all().first else {
        throw CaptureError("no interface to capture on (apus -D lists them)", kind: .noSuchDevice)
      }
      return first.name
    }
    guard let number = Int(name) else { return name }
    let interfaces = try all()
    if interfaces.contains(where: { $0.name == name }) { return name }
    guard number > 0, number <= interfaces.count else {
      throw CaptureError("\(name): no interface with that number (apus -D lists them)", kind: .noSuchDevice)
    }
    return interfaces[number - 1].name
  }

  /// True if there is an interface of that name, or if it is `any`, or if only libpcap can know it: a name that no network interface can
  /// have, such as `nflog:5`, cannot appear later, and opening it shows whether it is valid.
  public static func isPresent(_ device: String) -> Bool {
    if device == "any" || device.utf8.count > 15 || device.contains(":") || device.contains("/") { return true }
    if unsafe if_nametoindex(device) != 0 { return true }
    return (try? all().contains { $0.name == device }) ?? false
  }

  /// True if an interface is up, or if it is not a network interface.
  public static func isUp(_ device: String) -> Bool {
    let probe = socket(AF_INET, PacketSocket.datagrams, 0)
    defer { close(probe) }
    let query = InterfaceQuery(socket: probe)
    return query.index(device) == nil || query.isUp(device)
  }

  /// Writes one line for each interface: number, name, details and flags, like `tcpdump -D`.
  public static func write(_ interfaces: [Interface], to out: inout TextBuffer) {
    for (index, interface) in interfaces.enumerated() {
      out.write(decimal: index + 1)
      out.write(".")
      out.write(interface.name)
      if let details = interface.details {
        out.write(" (")
        out.write(details)
        out.write(")")
      }
      out.write(" [")
      out.write(interface.flags.joined(separator: ", "))
      out.write("]\n")
    }
  }

  private static func words(for flags: UInt32) -> [String] {
    func has(_ flag: Int32) -> Bool { flags & UInt32(bitPattern: flag) != 0 }
    var words: [String] = []
    if has(PCAP_IF_UP) { words.append("Up") }
    if has(PCAP_IF_RUNNING) { words.append("Running") }
    if has(PCAP_IF_LOOPBACK) { words.append("Loopback") }
    let isWireless = has(PCAP_IF_WIRELESS)
    if isWireless { words.append("Wireless") }
    if words.isEmpty { words.append("none") }
    if has(PCAP_IF_LOOPBACK) { return words }
    switch Int32(bitPattern: flags) & PCAP_IF_CONNECTION_STATUS {
    case PCAP_IF_CONNECTION_STATUS_CONNECTED: words.append(isWireless ? "Associated" : "Connected")
    case PCAP_IF_CONNECTION_STATUS_DISCONNECTED: words.append(isWireless ? "Not associated" : "Disconnected")
    case PCAP_IF_CONNECTION_STATUS_UNKNOWN where isWireless: words.append("Association status unknown")
    default: break
    }
    return words
  }

  private static func netmask(_ addresses: UnsafeMutablePointer<pcap_addr>?) -> UInt32? {
    var next = unsafe addresses
    while let entry = unsafe next?.pointee {
      if let address = unsafe entry.addr, unsafe Int32(address.pointee.sa_family) == AF_INET,
        let mask = unsafe entry.netmask
      {
        // Safe: the mask of an IPv4 address is a sockaddr_in, with the mask at byte 4.
        let octets = unsafe UnsafeRawPointer(mask).loadUnaligned(fromByteOffset: 4, as: UInt32.self)
        return UInt32(bigEndian: octets)
      }
      unsafe next = entry.next
    }
    return nil
  }
}
