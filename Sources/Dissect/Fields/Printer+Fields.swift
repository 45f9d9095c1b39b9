public import PacketCore

/// What a printer records of the headers that it parses.
public enum Recording: Sendable, BitwiseCopyable {
  /// Nothing: only text is wanted.
  case nothing
  /// The layers: `Printer.layers`.
  case layers
  /// The layers, and sender and receiver: `Printer.endpoints`.
  case endpoints
  /// The layers and their fields, as JSON.
  case fields
}

extension Printer {
  /// Records that a header begins. True if its fields are wanted: they then go into `fields`, until the next header begins.
  @inline(__always)
  package mutating func enter(_ layer: @autoclosure () -> Layer) -> Bool {
    if recording == .nothing { return false }
    if wantsLayersAlone {
      context.layers.append(layer().id)
      return false
    }
    return record(layer())
  }

  @inline(never)
  private mutating func record(_ layer: Layer) -> Bool {
    guard !context.layers.isFull else {
      writesFields = false
      context.hasMoreLayers = true
      return false
    }
    context.layers.append(layer.id)
    context.undecoded = nil
    suspendObject()
    context.scope.layer = context.layers.count &- 1
    context.layers[object: context.scope.layer] = LayerObject()
    fields.beginObject()
    fields.write("layer", layer.name)
    writesFields = true
    return true
  }

  /// Closes the object of the header that was entered last, so that another one can be written.
  mutating func suspendObject() {
    let layer = context.scope.layer
    if layer >= 0, layer < context.layers.count {
      fields.suspend(&context.layers[object: layer], to: Self.layersLevel)
    } else {
      fields.end(downTo: Self.layersLevel)
    }
  }

  /// Closes the object of the header that was entered last, and reopens the object of `layer`, if there is one.
  @inline(never)
  mutating func resumeObject(_ layer: Int?) {
    suspendObject()
    guard let layer, layer >= 0, layer < context.layers.count else { return }
    fields.resume(context.layers[object: layer])
  }

  /// The level at which layers are written: the object of the packet and its array of layers stay open.
  private static var layersLevel: Int { 2 }

  /// Text that is written into `out` only to become a field, not to be part of the output.
  package struct HeldText {
    /// Where it begins in `out`.
    package let start: Int
    fileprivate let wasDiscarding: Bool
  }

  /// Keeps what is written into `out` from now on, even where the text of packets is discarded.
  package mutating func beginHeldText() -> HeldText {
    let wasDiscarding = out.isDiscarding
    out.holdWrites()
    return HeldText(start: out.count, wasDiscarding: wasDiscarding)
  }

  /// Removes what was written since, and goes back to discarding text if it was discarded before.
  package mutating func endHeldText(_ text: HeldText) {
    out.truncate(to: text.start)
    if text.wasDiscarding { out.discardWrites() }
  }

  /// Records that no dissector claims the payload of a header, so that structured output reports it.
  package mutating func noteUndecoded(
    _ space: NumberSpace, _ number: some FixedWidthInteger & UnsignedInteger, _ payload: PacketBytes
  ) {
    if recording == .fields { context.undecoded = (space, UInt64(truncatingIfNeeded: number), payload.length) }
  }

  /// Records the payload of a transport, in the requested form, if one was requested.
  package mutating func recordPayload(_ payload: PacketBytes) {
    let octets = payload.clamped(to: payload.length)
    guard let form = options.payloadForm, octets.count > 0 else { return }
    switch form {
    case .hex: fields.write("payload", hex: octets)
    case .base64: fields.write("payload", base64: octets)
    }
  }

  /// Records whether the checksum of the header that was entered last is right. Called only if everything that the checksum covers was
  /// captured.
  @inline(__always)
  package mutating func recordChecksum(isCorrect: Bool) {
    if writesFields { fields.write("checksum_correct", isCorrect) }
  }

  /// Records that the packet breaks the rules of the protocol that was entered last.
  package mutating func noteInvalid() {
    guard recording == .fields, context.faults.count < Self.maximumFaults else { return }
    let name = layerName(ofMark: protocolName)
    if !context.faults.contains(where: { $0.isEqual(to: name) }) { context.faults.append(name) }
  }

  /// The name in structured output of the protocol that a truncation mark names: the name of its layer.
  @inline(__always)
  func layerName(ofMark mark: StaticString) -> StaticString {
    registry.layer(mark: mark, last: context.layers.last)?.name ?? mark
  }

  /// Appends text that reports a broken rule of the protocol that is being parsed, and records it as `noteInvalid` does.
  package mutating func writeFault(_ text: StaticString) {
    out.write(text)
    noteInvalid()
  }

  /// The maximum number of faults recorded for a packet.
  private static var maximumFaults: Int { 8 }

  /// Appends one packet as a line of JSON: an object with all headers that the text could show, parsed by the same dissectors. `number`
  /// counts the packets of the source, from 1; `interface` is the name of its interface, and `base` is added to the number of the interface
  /// if there are several sources.
  public mutating func json(_ packet: borrowing Packet, number: UInt64, interface: String?, base: Int = 0) {
    beginLine()
    out.discardWrites()
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
    fields.write("link_type", packet.linkType)
    fields.write("captured_length", packet.caplen)
    fields.write("length", packet.len)
    fields.beginArray("layers")
    if packet.bytes.hasPossibleLengths {
      let ending = dissect(packet)
      suspendObject()
      fields.end(downTo: 1)
      if let undecoded = context.undecoded {
        fields.beginObject("undecoded")
        fields.write("claim", undecoded.space.name)
        fields.write("number", undecoded.number)
        fields.write("length", undecoded.length)
        fields.end()
      }
      if context.hasMoreLayers { fields.write("has_more_layers", true) }
      if ending == .truncated { noteTruncation(of: protocolName) }
      if let name = context.truncatedProtocol { fields.write("truncated", name) }
      if ending == .invalid { noteInvalid() }
    } else {
      context.reset(recording)
      fields.end()
      fields.write("invalid_lengths", true)
    }
    if !context.faults.isEmpty {
      fields.beginArray("invalid")
      for index in context.faults.indices { fields.element(context.faults[index]) }
      fields.end()
    }
    if let processes, !processes.isEmpty { record(processes) }
    fields.end()
    out.holdWrites()
    endLine()
  }

  /// Swaps the buffers, so that `fields` appends its JSON to the content of `out`; `out` is empty until `endLine`.
  private mutating func beginLine() {
    fields.removeAll()
    swap(&out, &fields.json)
  }

  /// Ends the line that `beginLine` began, and swaps the buffers back.
  private mutating func endLine() {
    swap(&out, &fields.json)
    out.write(byte: UInt8(ascii: "\n"))
  }

  /// Appends an interface event as a line of JSON: its name in one word, and its text. `outage` is for how many nanoseconds no packets
  /// arrived.
  public mutating func json(
    event: StaticString, _ text: String, interface: Int, name: String, outage: Int64? = nil, at time: Timestamp
  ) {
    beginLine()
    fields.beginObject()
    fields.write("version", schemaVersion)
    fields.write("event", event)
    fields.writeTimes(time, &clock)
    fields.write("interface_id", UInt64(clamping: interface))
    fields.write("interface", name)
    if let outage {
      fields.write(key: "outage_seconds")
      fields.json.write(decimal: outage.magnitude / 1_000_000_000)
      fields.json.write(".")
      fields.json.write(decimal: outage.magnitude % 1_000_000_000, width: 9)
    }
    fields.write("text", text)
    fields.end()
    endLine()
  }
}

/// The version of the JSON format: it grows when a member changes its meaning or is removed.
package let schemaVersion: UInt8 = 2
