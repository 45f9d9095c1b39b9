import Dissect
import PacketCore

/// Integrated services in flowspecs, traffic specifications and advertisements (RFC 2210 section 3).

private let services: ValueNames = [1: "Default/Global Information", 2: "Guaranteed Service", 5: "Controlled Load"]
private let parameters: ValueNames = [
  4: "IS hop cnt", 6: "Path b/w estimate", 8: "Minimum path latency", 10: "Composed MTU", 127: "Token Bucket TSpec",
  130: "Guaranteed Service RSpec", 133: "End-to-end composed value for C", 134: "End-to-end composed value for D",
  135: "Since-last-reshaping point composed C", 136: "Since-last-reshaping point composed D",
]
private let valueIndent: StaticString = "\n\t\t"

extension Printer {
  ///     0                  2        4
  ///     +---------+--------+--------+----------
  ///     | version | unused | length | services      the length in words of four bytes
  ///     +---------+--------+--------+----------
  mutating func printIntegratedServices(
    _ value: PacketBytes, _ indent: RSVPIndent
  ) throws(DecodeError) -> RSVPReading {
    if value.length < 4 { return .tooShort }
    out.write(indent.value)
    write("Msg-Version: ", try value.u8(at: 0) >> 4)
    write(", length: ", Int(try value.u16(at: 2)) &* 4)
    var list = openList(value, at: 4, serviceLayout)
    while let service = try next(&list) {
      out.write(indent.value)
      write("Service Type: ", service.type, as: .named(services, unknown: "unknown"))
      write(" (", service.type)
      out.write(try service.bytes.u8(at: 1) & 0x80 != 0 ? "), break bit set" : "), break bit not set")
      write(", Service length: ", service.length &* 4)
      var parameterList = openList(service.value.clamped(to: service.rest &- 4), parameterLayout)
      while let parameter = try next(&parameterList) {
        out.write(indent.list)
        write("Parameter ID: ", parameter.type, as: .named(parameters, unknown: "unknown"))
        write(" (", parameter.type)
        write("), length: ", parameter.length &* 4)
        write(", Flags: [0x", try parameter.bytes.u8(at: 1), as: .hex(2))
        out.write("]")
        if parameter.isTooLong { return .tooShort }
        try printParameter(parameter.type, try parameter.wholeValue())
      }
    }
    return .read
  }

  private mutating func printParameter(_ type: UInt32, _ value: PacketBytes) throws(DecodeError) {
    let length = value.length
    switch type {
    case 4: if length == 4 { write("\n\t\tIS hop count: ", try value.u32(at: 0)) }
    case 6:
      if length == 4 {
        out.write("\n\t\tPath b/w estimate: ")
        writeMegabits(try value.u32(at: 0))
      }
    case 8: if length == 4 { write("\n\t\tMinimum path latency: ", try value.u32(at: 0)) }
    case 10:
      if length == 4 {
        write("\n\t\tComposed MTU: ", try value.u32(at: 0))
        out.write(" bytes")
      }
    case 127:
      ///     0 rate  4 depth  8 peak rate  12 minimum policed unit  16 maximum packet size      RFC 2215 section 3.6
      guard length == 20 else { return }
      out.write("\n\t\tToken Bucket Rate: ")
      writeMegabits(try value.u32(at: 0))
      out.write("\n\t\tToken Bucket Size: ")
      writeSignificant(Float(bitPattern: try value.u32(at: 4)))
      out.write(" bytes\n\t\tPeak Data Rate: ")
      writeMegabits(try value.u32(at: 8))
      write("\n\t\tMinimum Policed Unit: ", try value.u32(at: 12))
      write(" bytes\n\t\tMaximum Packet Size: ", try value.u32(at: 16))
      out.write(" bytes")
    case 130:
      ///     0 rate  4 slack term      RFC 2212
      guard length == 8 else { return }
      out.write("\n\t\tRate: ")
      writeMegabits(try value.u32(at: 0))
      write("\n\t\tSlack Term: ", try value.u32(at: 4))
    case 133...136: if length == 4 { write("\n\t\tValue: ", try value.u32(at: 0)) }
    default: if options.verbosity <= 1, length > 0 { writeHex(value, indent: valueIndent) }
    }
  }
}

///     0 service  1 break bit, reserved  2 length (2), in words
private let serviceLayout = OptionLayout(
  type: .bytes(at: 0, 1), length: .bytes(at: 2, 2), headerLength: 4, unit: 4, shortHeader: .endsList)
///     0 parameter  1 flags  2 length (2), in words
private let parameterLayout = OptionLayout(
  type: .bytes(at: 0, 1), length: .bytes(at: 2, 2), headerLength: 4, unit: 4, shortHeader: .endsList)
