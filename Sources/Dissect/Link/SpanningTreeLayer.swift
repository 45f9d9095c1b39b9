extension Layer {
  static let stp = Layer(
    "stp", "A bridge protocol data unit of a spanning tree protocol", "IEEE 802.1D section 9, IEEE 802.1Q section 14",
    note: "Times are in units of 1/256 second."
  ) {
    [
      Field("version", .uint8, "Protocol version.", always: true),
      Field("type", .uint8, "BPDU type."),
      Field("flags", .object(bpduFlags), "Flags of a bridge protocol data unit."),
      Field("port_role", .uint8, "0 unknown, 1 alternate or backup, 2 root, 3 designated."),
      Field("root", .object(bridgeIdentifier), "Root bridge; with multiple trees that of the common tree."),
      Field("root_path_cost", .uint32, "Cost to the root; with multiple trees the external cost."),
      Field("regional_root", .object(bridgeIdentifier), "Regional root, with multiple trees."),
      Field("bridge", .object(bridgeIdentifier), "The bridge that sends."),
      Field("port_id", .uint16, "Port that sends."),
      Field("message_age", .uint16, "Message age in 1/256 seconds."),
      Field("max_age", .uint16, "Maximum age in 1/256 seconds."),
      Field("hello_time", .uint16, "Hello time in 1/256 seconds."),
      Field("forward_delay", .uint16, "Forwarding delay in 1/256 seconds."),
      Field("configuration", .object(configurationIdentifier), "Configuration identifier of multiple spanning trees."),
      Field("internal_root_path_cost", .uint32, "Cost to the regional root."),
      Field("remaining_hops", .uint8, "Remaining hops."),
      Field(
        "instances",
        .array(
          .object([
            Field("id", .uint16, "Instance identifier."),
            Field("flags", .object(bpduFlags), "Flags of a bridge protocol data unit."),
            Field("port_role", .uint8, "As above."),
            Field("regional_root", .object(bridgeIdentifier), "Regional root of the instance."),
            Field("path_cost", .uint32, "Internal root path cost."),
            Field("bridge_priority", .uint8, "Upper four bits of the bridge priority."),
            Field("port_priority", .uint8, "Upper four bits of the port priority."),
            Field("remaining_hops", .uint8, "Remaining hops."),
          ])), "Multiple spanning tree instances.", each: "One instance."),
      Field(
        "auxiliary_configuration", .object(configurationIdentifier),
        "Auxiliary configuration identifier of shortest path bridging."),
      Field("agreement_number", .uint8, "Agreement number."),
      Field("discarded_agreement_number", .uint8, "Discarded agreement number."),
      Field("agreement_valid", .flag, "Agreement valid flag."),
      Field("restricted_role", .flag, "Restricted role flag."),
      Field("edge_count", .uint16, "Edge count."),
      Field("agreement_digest", .hex, "Agreement digest."),
    ]
  }
}

/// Flags of a bridge protocol data unit (IEEE 802.1Q section 14).
private let bpduFlags = [
  Field("topology_change", .flag, "Bit 1.", always: true),
  Field("proposal", .flag, "Bit 2.", always: true),
  Field("learning", .flag, "Bit 5.", always: true),
  Field("forwarding", .flag, "Bit 6.", always: true),
  Field("agreement", .flag, "Bit 7.", always: true),
  Field("topology_change_ack", .flag, "Bit 8.", always: true),
]

/// Identifier of a bridge.
private let bridgeIdentifier = [
  Field("priority", .uint16, "Priority and system identifier extension.", always: true),
  Field("address", .mac, "Address of the bridge.", always: true),
]

/// Configuration identifier of multiple spanning trees.
private let configurationIdentifier = [
  Field("name", .text, "Configuration name.", always: true),
  Field("revision", .uint16, "Revision level.", always: true),
  Field("digest", .hex, "Configuration digest.", always: true),
]
