public import PacketCore

/// What is noted of the headers that a printer parses.
public enum Recording: Sendable, BitwiseCopyable {
  /// Nothing: text is all that is wanted.
  case nothing
  /// Which layers there are: `Printer.layers`.
  case layers
  /// Their fields, too, as JSON.
  case fields
}

extension Printer {
  /// Notes that a header begins; true where its fields are wanted, which then go into `fields`, up to the header that comes next.
  @inline(__always)
  mutating func enter(_ layer: Layer) -> Bool {
    if recording == .nothing { return false }
    return record(layer)
  }

  @inline(never)
  private mutating func record(_ layer: Layer) -> Bool {
    guard layers.count < Self.maximumLayers else {
      writesFields = false
      hasMoreLayers = true
      return false
    }
    layers.append(layer)
    guard recording == .fields else { return false }
    // The packet and its list of layers stay open.
    fields.end(downTo: 2)
    fields.beginObject()
    fields.write("layer", layer.name)
    writesFields = true
    return true
  }

  /// The octets that a transport carries, in the form that was asked for, if one was.
  mutating func recordPayload(_ payload: PacketBytes) {
    let octets = payload.clamped(to: payload.length)
    guard let form = options.payloadForm, octets.count > 0 else { return }
    switch form {
    case .hex: fields.write("payload", hex: octets)
    case .base64: fields.write("payload", base64: octets)
    }
  }

  /// Whether the checksum of the header that was entered last is right: told where all that it is over was captured.
  mutating func recordChecksum(isCorrect: Bool) {
    if writesFields { fields.write("checksum_correct", isCorrect) }
  }

  /// Notes that what is being parsed breaks the rules of the protocol that was entered last.
  mutating func noteInvalid() {
    guard recording == .fields, faults.count < Self.maximumFaults else { return }
    let name = protocolName.description
    if !faults.contains(where: { $0.description == name }) { faults.append(protocolName) }
  }

  /// Text that says that what is being parsed breaks the rules of its protocol; notes it as `noteInvalid` does.
  mutating func writeFault(_ text: StaticString) {
    out.write(text)
    noteInvalid()
  }

  /// Headers of a packet that are noted.
  private static var maximumLayers: Int { 100 }
  /// Faults of a packet that are noted.
  private static var maximumFaults: Int { 8 }

  /// Appends one packet as a line of JSON: an object with the headers that a text of it would be about, parsed by the same dissectors.
  /// `number` is its place in the source, from 1; `interface` what its interface is called, and `base` what its number is added to, where
  /// there are several sources.
  public mutating func json(_ packet: borrowing Packet, number: UInt64, interface: String?, base: Int = 0) {
    let start = out.count
    fields.removeAll()
    fields.beginObject()
    fields.write("version", schemaVersion)
    fields.write("number", number)
    if packet.hasTime {
      fields.writeTimes(packet.timestamp, &clock)
    } else {
      fields.writeNoTime()
    }
    fields.write("interface_id", UInt64(clamping: base &+ packet.interface))
    if let interface { fields.write("interface", interface) }
    switch packet.direction {
    case .inbound: fields.write("direction", "in")
    case .outbound: fields.write("direction", "out")
    case .unknown: break
    }
    if let name = packet.linkType.name {
      fields.write("link_type", name)
    } else {
      fields.write("link_type", "\(packet.linkType.rawValue)")
    }
    fields.write("captured_length", packet.caplen)
    fields.write("length", packet.len)
    fields.beginArray("layers")
    if packet.bytes.hasPossibleLengths {
      let ending = dissect(packet)
      fields.end(downTo: 1)
      if hasMoreLayers { fields.write("has_more_layers", true) }
      if ending == .truncated { noteTruncation(of: protocolName) }
      if wasCut { fields.write("truncated", truncatedProtocol) }
      if ending == .invalid { noteInvalid() }
    } else {
      fields.end()
      fields.write("has_impossible_lengths", true)
    }
    if !faults.isEmpty {
      fields.beginArray("invalid")
      for index in faults.indices { fields.element(faults[index]) }
      fields.end()
    }
    fields.end()
    out.truncate(to: start)
    out.write(contentsOf: fields.json)
    out.write(byte: UInt8(ascii: "\n"))
  }

  /// Appends, as a line of JSON, something that befell an interface: what it is called in one word and in many. `absence` is for how many
  /// nanoseconds no packets came.
  public mutating func json(
    event: StaticString, _ text: String, interface: Int, name: String, absence: Int64? = nil, at time: Timestamp
  ) {
    fields.removeAll()
    fields.beginObject()
    fields.write("version", schemaVersion)
    fields.write("event", event)
    fields.writeTimes(time, &clock)
    fields.write("interface_id", UInt64(clamping: interface))
    fields.write("interface", name)
    if let absence {
      fields.write(key: "absence")
      fields.json.write(decimal: absence.magnitude / 1_000_000_000)
      fields.json.write(".")
      fields.json.write(decimal: absence.magnitude % 1_000_000_000, width: 9)
    }
    fields.write("text", text)
    fields.end()
    out.write(contentsOf: fields.json)
    out.write(byte: UInt8(ascii: "\n"))
  }
}

/// The version of the objects' form: it grows when a member changes its meaning or disappears.
private let schemaVersion: UInt8 = 1
