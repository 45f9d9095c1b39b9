import Dissect
public import PacketCore

/// The JSON Schema (draft 2020-12) for the output of `Statistics.writeJSON`.
public enum StatisticsSchema {
  /// Appends the schema, one line per member, with a newline at the end.
  public static func write(to out: inout TextBuffer) {
    var writer = SchemaWriter()
    writer.object {
      $0.member("$schema", text: "https://json-schema.org/draft/2020-12/schema")
      $0.member("$id", text: "urn:apus:statistics:\(statisticsVersion)")
      $0.member("title", text: "A line of apus --stats …,json")
      $0.member("description", text: summary)
      $0.member("$ref", text: "#/$defs/report")
      $0.key("$defs")
      $0.object {
        $0.member("version", json: #"{"const": \#(statisticsVersion)}"#)
        $0.member("address", json: #"{"oneOf": [{"type": "string"}, {"type": "null"}]}"#)
        $0.definition("report", "A report.", report)
        $0.simpleDefinitions()
        $0.sharedDefinitions()
      }
    }
    out.write(writer.text)
    out.write("\n")
  }

  private static let summary =
    "Every line is a report of all packets so far. Times are seconds since 1970 with nine digits of the fraction, addresses numbers. Of the "
    + "parts those are there that --stats names. The version grows when a member changes its meaning or goes away; members may be added "
    + "without."

  private static let tally: [Field] = [
    Field("packets", .uint64, "How many.", always: true),
    Field("octets", .uint64, "Bytes on the wire.", always: true),
  ]
  private static let tallyForm = Field.Form.shared(SharedObject("tally", "Packets and their bytes.") { tally })
  private static let first = Field("first", .number, "When the first packet was captured.")
  private static let last = Field("last", .number, "When the last packet was captured.")

  private static let report =
    [
      Field("version", .reference("version"), "Version of this form.", always: true),
      Field("occasion", .words(["end", "interval", "signal"]), "Why it is made.", always: true),
      Field("time", .reference("time"), "When it is made."),
      Field("epoch", .reference("epoch"), "The same as a number of seconds.", always: true),
    ] + tally + [
      first, last,
      Field(
        "protocols",
        .object([
          Field("tree", .array(.shared(node)), "The outermost layers.", each: "One layer.", always: true),
          Field("unknown", tallyForm, "Packets without a layer.", always: true),
          Field("is_complete", .flag, "There was room for every chain of layers.", always: true),
        ]), "What is inside what."),
      table("conversations", "Who talks to whom.", conversation),
      table("endpoints", "Who sends and receives.", endpoint),
      table(
        "ports", "What goes to and comes from ports.", port,
        and: [Field("without_ports", tallyForm, "Packets without ports.", always: true)]),
      table(
        "processes", "What programs send and receive.", program,
        and: [
          Field("unknown", tallyForm, "Packets of which neither end is known.", always: true),
          Field("counts_all_connections", .flag, "There was room for every connection.", always: true),
        ]),
      Field(
        "sizes",
        .object([
          Field("minimum", .uint64, "Bytes of the smallest packet."),
          Field("maximum", .uint64, "Bytes of the largest packet."),
          Field("mean", .number, "Bytes of a packet on average."),
          Field(
            "rows",
            .array(
              .object(
                [
                  Field("from", .uint64, "Bytes at least.", always: true),
                  Field("to", .uint64, "Bytes at most; left out for the last."),
                ] + tally)), "Classes of lengths.", each: "One class.", always: true),
        ]), "How large packets are."),
      Field(
        "rate",
        .object([
          Field("interval", .number, "Seconds of an interval.", always: true),
          Field("intervals", .uint64, "How many intervals the packets lie in."),
          Field("mean_packets", .number, "Packets of an interval on average."),
          Field("mean_octets", .number, "Bytes of an interval on average."),
          Field("peak_packets", .uint64, "Most packets of an interval."),
          Field("peak_octets", .uint64, "Most bytes of an interval."),
          Field(
            "rows", .array(.object([Field("start", .number, "When it begins.", always: true)] + tally)),
            "Intervals with packets.", each: "One interval.", always: true),
          Field("others", tallyForm, "Packets of intervals that there was no room for.", always: true),
          Field("without_time", tallyForm, "Packets without a time."),
          Field("is_complete", .flag, "There was room for every interval.", always: true),
        ]), "How many packets come in an interval."),
    ]

  private static let node: SharedObject = SharedObject("node", "A layer, and what it carries.") {
    [Field("layer", .text, "Name of the layer.", always: true)] + tally + [
      Field("inside", .array(.shared(node)), "The layers that it carries.", each: "One layer.", always: true)
    ]
  }

  private static let address = Field(
    "address", .reference("address"), "Address; null where there is none.", always: true)
  private static let end = SharedObject("end", "One side of a conversation.") {
    [address, Field("port", .uint16, "Port.")]
  }

  private static let conversation = [
    Field("protocol", .text, "Protocol of IP, or the innermost layer.", always: true),
    Field("a", .shared(end), "Who sent the first packet.", always: true),
    Field("b", .shared(end), "The other side.", always: true),
    Field("a_to_b", tallyForm, "What the first side sent.", always: true),
    Field("b_to_a", tallyForm, "What the other side sent.", always: true),
    first, last,
  ]
  private static let sentAndReceived = [
    Field("sent", tallyForm, "What it sent.", always: true),
    Field("received", tallyForm, "What it received.", always: true),
    Field("total", tallyForm, "Both; a packet that it sent to itself counts once.", always: true),
  ]
  private static let endpoint = [address] + sentAndReceived
  private static let port =
    [
      Field("protocol", .text, "Protocol of IP.", always: true),
      Field("port", .uint16, "Port.", always: true),
    ] + sentAndReceived

  private static let program =
    [
      Field("comm", .text, "Name of the program."),
      Field("pid", .uint32, "Process, where its name is not known."),
    ] + sentAndReceived + [
      Field("connections", .uint64, "Conversations between two ports in which it took part.", always: true)
    ]

  /// A table that may not show all its rows.
  private static func table(
    _ name: StaticString, _ sentence: StaticString, _ row: [Field], and more: [Field] = []
  ) -> Field {
    Field(
      name,
      .object(
        [
          Field(
            "rows", .array(.object(row)), "In the order of --sort; else the largest first.", each: "One row.",
            always: true),
          Field("count", .uint64, "How many rows there are.", always: true),
          Field("more", tallyForm, "Sum of the rows that are not shown."),
          Field("others", tallyForm, "Packets for which there was no row.", always: true),
          Field("is_complete", .flag, "There was room for every row.", always: true),
        ] + more), sentence)
  }
}
