import Dissect
import PacketCore

extension Printer {
  /// Records the value of an option by its form; options with a form of their own are recorded where they are parsed.
  mutating func recordDHCPValue(_ type: UInt8, _ value: PacketBytes, _ form: DHCPValue) throws(DecodeError) {
    switch form {
    case .addresses:
      fields.beginArray("addresses")
      for offset in stride(from: 0, to: value.count &- 3, by: 4) { fields.element(try value.ipv4(at: offset)) }
      fields.end()
    case .addressPairs:
      fields.beginArray("address_pairs")
      for offset in stride(from: 0, to: value.count &- 7, by: 8) {
        let second = try value.ipv4(at: offset &+ 4)
        fields.beginObject()
        fields.write("first", try value.ipv4(at: offset))
        fields.write("second", second)
        fields.end()
      }
      fields.end()
    case .long, .oneLong: try recordNumbers(value, step: 4)
    case .signedLong:
      fields.beginArray("values")
      for offset in stride(from: 0, to: value.count &- 3, by: 4) {
        fields.element(signed: Int32(bitPattern: try value.u32(at: offset)))
      }
      fields.end()
    case .short: try recordNumbers(value, step: 2)
    case .byte, .unknown: fields.write("data", hex: value)
    case .text: fields.write("text", text: value)
    case .boolean:
      fields.beginArray("booleans")
      for index in 0..<value.count { fields.element(try value.u8(at: index) != 0) }
      fields.end()
    case .custom: try recordCustomForm(type, value)
    }
  }

  private mutating func recordNumbers(_ value: PacketBytes, step: Int) throws(DecodeError) {
    fields.beginArray("values")
    for offset in stride(from: 0, to: value.count &- step &+ 1, by: step) {
      fields.element(step == 4 ? try value.u32(at: offset) : UInt32(try value.u16(at: offset)))
    }
    fields.end()
  }

  private mutating func recordCustomForm(_ type: UInt8, _ value: PacketBytes) throws(DecodeError) {
    switch type {
    case DHCPOption.messageType where value.count == 1:
      fields.write("message_type", try value.u8(at: 0), "message_type_name", DHCPOption.messages)
    case DHCPOption.netBIOSNodeType where value.count >= 1, DHCPOption.overload where value.count >= 1:
      fields.write("value", try value.u8(at: 0))
    default: break
    }
  }

  /// A classless route: `octets` bytes of the network, then the router.
  mutating func recordRoute(_ value: PacketBytes, width: Int, octets: Int) throws(DecodeError) {
    var network: UInt32 = 0
    for index in 0..<4 {
      network = network << 8 | (index < octets ? UInt32(try value.u8(at: index)) : 0)
    }
    let router = try value.ipv4(at: octets)
    fields.beginObject()
    fields.write("network", IPv4Address(rawValue: network))
    fields.write("prefix_length", width)
    fields.write("router", router)
    fields.end()
  }
}
