public import PacketCore

/// The JSON Schema (draft 2020-12) of what `Printer.json` writes: made from the declarations of all layers.
public struct PacketSchema {
  private let layers: [Layer]

  /// The schema of the layers of a registry.
  public init(_ registry: Registry) { layers = registry.layers }

  /// Appends the schema, with a line for each member and a newline at the end.
  public func write(to out: inout TextBuffer) {
    var writer = SchemaWriter()
    writer.object {
      $0.member("$schema", text: "https://json-schema.org/draft/2020-12/schema")
      $0.member("$id", text: "urn:apus:packet:\(schemaVersion)")
      $0.member("title", text: "A line of apus --json")
      $0.member("description", text: summary)
      $0.member("oneOf", json: "[{\(Self.packet)}, {\(Self.event)}]")
      $0.key("$defs")
      $0.object {
        $0.member("version", json: #"{"const": \#(schemaVersion)}"#)
        $0.definition("packet", "A packet.", packetFields)
        $0.definition("event", "An interface state change of a live capture.", eventFields)
        $0.simpleDefinitions()
        for layer in layers { $0.definition(layer) }
        $0.sharedDefinitions()
      }
    }
    out.write(writer.text)
    out.write("\n")
  }

  private static let packet = SchemaWriter.reference("packet")
  private static let event = SchemaWriter.reference("event")

  private let summary =
    "Every line is one object: a packet or an event (what --stats prints has a form of its own). Numbers are numbers, flags "
    + "booleans, addresses and text from the wire strings (what is not UTF-8 becomes U+FFFD, in domain names \\DDD), other bytes "
    + "hexadecimal digits. A member's name has one type in all layers. A header that the capture cuts, or that breaks the rules of its "
    + "protocol, has fewer members: only those that are required here are always there. The version grows when a member changes its "
    + "meaning or goes away; members and layers may be added without."

  private var packetFields: [Field] {
    [
      Field("version", .reference("version"), "Version of this form.", always: true),
      Field("number", .uint64, "Place among the packets that the filter accepts, from 1.", always: true),
      Field(
        "time", .reference("time"),
        "When it was captured; left out where the year has not four digits, and where that is not known."),
      Field("epoch", .reference("epoch"), "The same as a number of seconds; 0 where it is not known.", always: true),
      Field("has_no_time", .mark, "The capture has no time of the packet (a Simple Packet Block of pcapng)."),
      Field("invalid_timestamp", .mark, "The capture states a second or more of nanoseconds: it is added."),
      Field(
        "interface_id", .uint64,
        "Interface, from 0; of several files, those of each are counted from the next multiple of 65536 on.",
        always: true),
      Field("interface", .text, "Name of the interface, where it is known."),
      Field("direction", .words(["in", "out"]), "Direction, where it is known."),
      Field(
        "link_type", .text, "Name of the link type (LINKTYPE_ without its prefix), or its number.", always: true),
      Field("captured_length", .length, "Bytes that were captured.", always: true),
      Field("length", .length, "Bytes on the wire.", always: true),
      Field("invalid_lengths", .mark, "These two lengths cannot be, and nothing was read."),
      Field("layers", .layers(layers), "Headers, the outermost first.", always: true),
      Field("has_more_layers", .mark, "There are more headers than are listed."),
      Field(
        "undecoded",
        .object([
          Field(
            "claim", .text, "What identifies it: link type, EtherType, IP protocol and so on.", always: true),
          Field("number", .uint64, "Its number.", always: true),
          Field("length", .length, "Bytes of it, as the headers around it state.", always: true),
        ]), "What the innermost layer carries, where apus has no dissector for it."),
      Field(
        "truncated", .text,
        "The bytes end in this layer: the capture cut them where captured_length is below length, else a length in the packet is wrong."
      ),
      Field(
        "invalid", .array(.text), "Layers whose rules the packet breaks: what the text calls invalid or bad."),
    ]
  }

  private var eventFields: [Field] {
    [
      Field("version", .reference("version"), "Version of this form.", always: true),
      Field("event", .words(["went_down", "was_removed", "interface_up"]), "What happened.", always: true),
      Field("time", .reference("time"), "When it was noticed."),
      Field("epoch", .reference("epoch"), "The same as a number of seconds.", always: true),
      Field("interface_id", .uint64, "Interface, from 0.", always: true),
      Field("interface", .text, "Name of the interface.", always: true),
      Field("outage_seconds", .number, "Seconds for which packets were missed, where it is up again."),
      Field("text", .text, "The same in words.", always: true),
    ]
  }
}
