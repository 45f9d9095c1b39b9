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
  package mutating func writeProtocol(_ number: UInt8) {
    if let names, let name = names.protocolName(number) {
      out.write(name)
    } else {
      out.write("ip-proto-")
      out.write(decimal: number)
    }
  }

  /// A MAC address or, without `-n`, the name that it has in /etc/ethers.
  package mutating func writeMAC(_ address: MACAddress) {
    if let names, let name = names.etherName(of: address) {
      out.write(name)
    } else {
      out.write(address)
    }
  }

  /// A host's name, with `-N` without its domain.
  private mutating func write(hostName: String) {
    guard options.omitDomain, let dot = hostName.firstIndex(of: ".") else {
      out.write(hostName)
      return
    }
    out.write(String(hostName[..<dot]))
  }
}
