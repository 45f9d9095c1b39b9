package import PacketCore

extension Layer {
  package static let snap = Layer(
    "snap", "Subnetwork Access Protocol", "IEEE 802 section 9.5"
  ) {
    [
      Field("oui", .uint24, "Organisation that numbers the protocols.", always: true),
      Field("protocol_id", .uint16, "Protocol.", always: true),
    ]
  }
}

///     0         3          5
///     +---------+----------+---------
///     | OUI     | protocol | payload
///     +---------+----------+---------
private let headerLength = 5

extension Printer {
  /// Prints the Subnetwork Access Protocol (IEEE 802 section 9.5); returns the length of its header, or nil if no dissector prints the
  /// payload. Bridged frames are preceded by `bridgePad` bytes.
  package mutating func printSNAP(
    _ bytes: PacketBytes, source: MACAddress?, destination: MACAddress?, bridgePad: Int
  ) throws(DecodeError) -> Int? {
    protocolName = "snap"
    try bytes.check(0, headerLength)
    let oui = try bytes.u24(at: 0)
    let protocolID = try bytes.u16(at: 3)
    let payload = try bytes.dropping(headerLength)
    if enter(.snap) {
      fields.write("oui", oui)
      fields.write("protocol_id", protocolID)
    }
    if options.linkHeader { writeSNAPHeader(oui, protocolID, length: payload.length) }
    switch oui {
    case SNAP.ethernet, SNAP.ciscoBridged:
      if try printEtherType(protocolID, payload) { return headerLength }
    case SNAP.appleTalk:
      if protocolID == 0x809b, try printEtherType(protocolID, payload) { return headerLength }
    case SNAP.bridged8021:
      switch protocolID {
      case 0x0001, 0x0007:
        // With (1) and without (7) the frame check sequence.
        let pad = try payload.dropping(bridgePad)
        context.scope.depth &+= 1
        try reject("nesting depth", context.scope.depth, .greater, 64)
        _ = try printEthernet(pad)
        context.scope.depth &-= 1
        return headerLength
      case 0x000e:
        let index = registry.index(sap: ServiceAccessPoint.spanningTree)
        if index != 0 {
          try run(index, payload)
          return headerLength
        }
      default: break
      }
    default: break
    }
    let index = registry.index(snap: oui, protocolID)
    if index != 0 {
      try run(index, payload)
      return headerLength
    }
    noteUndecoded(.snap, Claim.snapNumber(oui, protocolID), payload)
    if !options.linkHeader {
      if let source, let destination {
        writeMAC(source)
        out.write(" > ")
        writeMAC(destination)
        out.write(" ")
      }
      out.write("SNAP, ")
      writeSNAPHeader(oui, protocolID, length: payload.length)
    }
    return nil
  }

  private mutating func writeSNAPHeader(_ oui: UInt32, _ protocolID: UInt16, length: Int) {
    if oui == SNAP.ethernet {
      if options.linkHeader { out.write("oui Ethernet (0x000000), ") }
      out.write("ethertype ")
      write(EtherType.names, protocolID, unknown: "Unknown")
    } else {
      out.write("oui ")
      write(OUI.names, oui, unknown: "Unknown")
      out.write(" (0x")
      out.write(hex: oui, width: 6)
      out.write("), pid ")
      out.write(SNAP.name(oui, protocolID))
    }
    out.write(" (0x")
    out.write(hex: protocolID, width: 4)
    out.write("), length ")
    out.write(decimal: length)
    out.write(": ")
  }
}

/// Organisations and protocol identifiers of SNAP.
enum SNAP {
  static let ethernet: UInt32 = 0x000000
  static let cisco: UInt32 = 0x00000c
  static let ciscoBridged: UInt32 = 0x0000f8
  static let bridged8021: UInt32 = 0x0080c2
  static let appleTalk: UInt32 = 0x080007

  /// The name of `protocolID` among the numbers of `oui`.
  static func name(_ oui: UInt32, _ protocolID: UInt16) -> StaticString {
    let names: ValueNames? =
      switch oui {
      case ethernet, ciscoBridged, appleTalk: EtherType.names
      case cisco: ciscoProtocols
      case bridged8021: bridgedProtocols
      default: nil
      }
    return names?[protocolID] ?? "Unknown"
  }

  private static let ciscoProtocols: ValueNames = [
    0x010b: "PVST", 0x010c: "VLAN Bridge", 0x0111: "UDLD", 0x2000: "CDP", 0x2003: "VTP", 0x2004: "DTP",
  ]
  private static let bridgedProtocols: ValueNames = [
    0x0001: "Ethernet + FCS", 0x0007: "Ethernet w/o FCS", 0x0002: "802.4 + FCS", 0x0008: "802.4 w/o FCS",
    0x0003: "Token Ring + FCS", 0x0009: "Token Ring w/o FCS", 0x0004: "FDDI + FCS", 0x000a: "FDDI w/o FCS",
    0x0005: "802.6 + FCS", 0x000b: "802.6 w/o FCS", 0x000e: "BPDU",
  ]
}

/// Organisationally unique identifiers under which protocols number their extensions.
package enum OUI {
  static let iana: UInt32 = 0x00005e
  static let ieee8021: UInt32 = 0x0080c2
  static let ieee8023: UInt32 = 0x00120f
  static let tia: UInt32 = 0x0012bb
  static let dcbx: UInt32 = 0x001b21

  package static let names: ValueNames = [
    0x000000: "Ethernet", 0x00000c: "Cisco", 0x00005e: "IANA", 0x000081: "Nortel Networks SONMP",
    0x0000f8: "Cisco bridged", 0x00049f: "Freescale", 0x0004ea: "HP-Labs", 0x001018: "Broadcom",
    0x00120f: "IEEE 802.3 Private", 0x0012bb: "ANSI/TIA", 0x0015ad: "Netronome", 0x001b21: "DCBX",
    0x0019a7: "ITU-T", 0x002320: "Nicira Networks", 0x002481: "HP", 0x0080c2: "Ethernet bridged", 0x009069: "Juniper",
    0x00a03e: "ATM Forum", 0x00e004: "PMC-Sierra", 0x00e02f: "DOCSIS Spanning Tree", 0x080007: "Appletalk",
    0x080009: "Hewlett-Packard", 0x5c16c7: "Big Switch Networks", 0x748771: "Infoblox Inc",
    0xa42305: "Open Networking Lab", 0xb0d2f5: "Vello Systems", 0xd0f0db: "Ericsson",
  ]
}
