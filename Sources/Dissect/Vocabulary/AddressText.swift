package import Names
package import PacketCore

extension Printer {
  /// An IPv4 address or, without `-n`, the name of the host.
  @inline(__always)
  package mutating func writeHost(_ address: IPv4Address) {
    if let names, let name = names.hostName(of: address) {
      write(hostName: name)
    } else {
      out.write(address)
    }
  }

  /// An IPv6 address or, without `-n`, the name of the host.
  package mutating func writeHost(_ address: IPv6Address) {
    if let names, let name = names.hostName(of: address) {
      write(hostName: name)
    } else {
      out.write(address)
    }
  }

  /// A port number or, without `-n`, the name of the service.
  @inline(__always)
  package mutating func writePort(_ port: UInt16, _ transport: Transport) {
    if let names, let name = names.serviceName(port: port, over: transport) {
      out.write(name)
    } else {
      out.write(decimal: port)
    }
  }

  /// The number of an IP protocol or, without `-n`, its name.
  package mutating func writeProtocol(_ number: UInt8, unknown prefix: StaticString = "ip-proto-") {
    if let names, let name = names.protocolName(number) {
      out.write(name)
    } else {
      out.write(prefix)
      out.write(decimal: number)
    }
  }

  /// A MAC address; without `-n`, its name in /etc/ethers or, if it has none, the address followed by its organisation.
  package mutating func writeMAC(_ address: MACAddress) {
    guard let names else { return out.write(address) }
    if let name = names.etherName(of: address) { return out.write(name) }
    if address.rawValue == 0xffff_ffff_ffff { return out.write("Broadcast") }
    out.write(address)
    write(" (oui ", UInt32(truncatingIfNeeded: address.rawValue >> 24), as: .named(OUI.names, unknown: "Unknown"))
    out.write(")")
  }

  /// A host name; with `-N` without its domain.
  private mutating func write(hostName: String) {
    guard options.omitDomain, let dot = hostName.firstIndex(of: ".") else {
      out.write(hostName)
      return
    }
    out.write(String(hostName[..<dot]))
  }
}
