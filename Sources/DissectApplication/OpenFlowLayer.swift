import Dissect

extension Layer {
  static let openflow = Layer(
    "openflow", "OpenFlow switch protocol", "OpenFlow Switch Specification 1.0.0, 1.3.4",
    note: "One object for each message; its members depend on its type, and on the version."
  ) {
    [
      Field("version", .uint8, "Version: 1 is OpenFlow 1.0, 4 is OpenFlow 1.3.", always: true),
      Field("type", .uint8, "Kind of message."),
      Field("type_name", .text, "Name of the kind."),
      Field("length", .uint16, "Bytes of the message, its header included."),
      Field("xid", .uint32, "Number of a request, which the answer repeats."),
    ] + switchFields + flowFields + [
      Field(
        "elements",
        .array(
          .object([
            Field("type", .uint16, "Kind of element.", always: true),
            Field("type_name", .text, "Name of the kind."),
            Field("version_bits", .uint32, "Versions that the sender speaks: bit 1 is 1.0, bit 4 is 1.3."),
          ])), "Elements of a HELLO.", each: "One element."),
      Field("error_type", .uint16, "Kind of error."),
      Field("error_type_name", .text, "Name of the kind."),
      Field("error_code", .uint16, "Error of the kind."),
      Field("error_code_name", .text, "Name of the error."),
    ] + vendorFields + [
      Field("index", .uint8, "Place of an address mask in a switch of Big Switch Networks."),
      Field("mask", .ipv4, "The mask."),
      Field("reports_mirror_ports", .flag, "Whether ports are reported that packets are mirrored to."),
      Field("service", .uint32, "Shell that a command is for."),
      Field("text", .text, "The command, or what it has written."),
      Field("status", .uint32, "Exit status of a command."),
      Field("virtual_port", .uint32, "Virtual port."),
      Field("role", .uint32, "Role of a controller."),
      Field("role_name", .text, "Name of the role."),
      Field("generation", .hex, "Number that a new master raises."),
      Field("packet_bits_of_master", .uint32, "Reasons for which the master is sent packets: a bit for each."),
      Field("packet_bits_of_slave", .uint32, "Reasons for which a slave is sent packets."),
      Field("port_bits_of_master", .uint32, "Reasons for which ports are reported to the master."),
      Field("port_bits_of_slave", .uint32, "Reasons for which ports are reported to a slave."),
      Field("flow_bits_of_master", .uint32, "Reasons for which removed flows are reported to the master."),
      Field("flow_bits_of_slave", .uint32, "Reasons for which removed flows are reported to a slave."),
    ]
  }
}

private let vendorFields = [
  Field("vendor", .uint32, "Vendor or experimenter: an OUI, or a number of the Open Networking Foundation."),
  Field("vendor_name", .text, "Name of the vendor."),
  Field("subtype", .uint32, "Kind of message or action that the vendor has defined."),
  Field("subtype_name", .text, "Name of the kind."),
  Field("data", .hex, "Bytes that are not looked into."),
]

private let portFields = [
  Field("port", .uint32, "Port."),
  Field("port_name", .text, "Name of a reserved port."),
]

/// Members of messages about a switch as a whole and its ports.
private let switchFields =
  [
    Field("datapath_id", .hex, "Identifier of the switch."),
    Field("buffers", .uint32, "Packets that the switch can keep."),
    Field("table_count", .uint8, "Tables of flows."),
    Field("auxiliary_id", .uint8, "Number of an auxiliary connection."),
    Field("capability_bits", .uint32, "What the switch can do: a bit for each ability."),
    Field("action_bits", .uint32, "Actions that the switch knows: a bit for each."),
    Field("fragment_handling", .uint16, "What the switch does with IP fragments."),
    Field("fragment_handling_name", .text, "Its name."),
    Field("miss_send_length", .uint16, "Bytes of a packet that the controller is sent."),
  ] + portFields + [
    Field("address", .mac, "Address of a port."),
    Field("config_bits", .uint32, "Configuration: a bit for each setting."),
    Field("mask_bits", .uint32, "Settings that are to change."),
    Field("advertised_bits", .uint32, "Link modes that are to be advertised."),
    Field(
      "ports",
      .array(
        .object(
          portFields + [
            Field("address", .mac, "Address of the port."),
            Field("name", .text, "Name of the port."),
            Field("config_bits", .uint32, "Configuration: a bit for each setting."),
            Field("state_bits", .uint32, "State."),
            Field("current_bits", .uint32, "Link mode: a bit for each of its properties."),
            Field("advertised_bits", .uint32, "Link modes that are advertised."),
            Field("supported_bits", .uint32, "Link modes that the port has."),
            Field("peer_bits", .uint32, "Link modes that the other end advertises."),
            Field("current_speed_kbps", .uint32, "Kilobits a second."),
            Field("maximum_speed_kbps", .uint32, "Kilobits a second at most."),
            Field("rx_packets", .uint64, "Packets that came in."),
            Field("tx_packets", .uint64, "Packets that went out."),
            Field("rx_bytes", .uint64, "Bytes that came in."),
            Field("tx_bytes", .uint64, "Bytes that went out."),
            Field("rx_dropped", .uint64, "Packets that came in and were dropped."),
            Field("tx_dropped", .uint64, "Packets that were dropped and did not go out."),
            Field("rx_errors", .uint64, "Errors of packets that came in."),
            Field("tx_errors", .uint64, "Errors of packets that went out."),
            Field("rx_frame_errors", .uint64, "Frames out of alignment."),
            Field("rx_overrun_errors", .uint64, "Packets that came faster than they could be read."),
            Field("rx_crc_errors", .uint64, "Wrong checksums."),
            Field("collisions", .uint64, "Collisions."),
          ])), "Ports, or statistics of ports.", each: "One port."),
    Field(
      "queues",
      .array(
        .object(
          portFields + [
            Field("queue_id", .uint32, "Queue."),
            Field("tx_bytes", .uint64, "Bytes that went out."),
            Field("tx_packets", .uint64, "Packets that went out."),
            Field("tx_errors", .uint64, "Packets that were dropped."),
            Field(
              "properties",
              .array(
                .object([
                  Field("type", .uint16, "Kind of property.", always: true),
                  Field("type_name", .text, "Name of the kind."),
                  Field("rate", .uint16, "Rate that is guaranteed, in tenths of a percent; above 1000 none is."),
                ])), "Properties of the queue.", each: "One property."),
          ])), "Queues, or statistics of queues.", each: "One queue."),
    Field("queue_id", .uint32, "Queue."),
  ]

/// Members that identify packets.
private let matchFields = [
  Field("in_port", .uint32, "Port that the packet came in by."),
  Field("in_port_name", .text, "Name of a reserved port."),
  Field("source_mac", .mac, "Sender of the frame."),
  Field("destination_mac", .mac, "Receiver of the frame."),
  Field("vlan_id", .uint16, "VLAN; 65535 stands for frames without a tag."),
  Field("vlan_priority", .uint8, "Priority in the tag."),
  Field("ethertype", .uint16, "EtherType."),
  Field("type_of_service", .uint8, "Type of service, without the two lower bits."),
  Field("ip_protocol", .uint8, "IP protocol."),
  Field("arp_opcode", .uint8, "Operation of ARP."),
  Field("source", .ipv4, "Sender of the packet."),
  Field("source_prefix_length", .uint8, "Bits of it that count."),
  Field("destination", .ipv4, "Receiver of the packet."),
  Field("destination_prefix_length", .uint8, "Bits of it that count."),
  Field("source_port", .uint16, "Source port of TCP or UDP."),
  Field("destination_port", .uint16, "Destination port of TCP or UDP."),
  Field("icmp_type", .uint16, "Type of ICMP."),
  Field("icmp_code", .uint16, "Code of ICMP."),
]

private let actionFields =
  [
    Field("type", .uint16, "Kind of action.", always: true),
    Field("type_name", .text, "Name of the kind."),
  ] + portFields + [
    Field("max_length", .uint16, "Bytes of the packet that the controller is sent."),
    Field("vlan_id", .uint16, "VLAN of a tag."),
    Field("vlan_priority", .uint8, "Priority of a tag."),
    Field("address", .text, "Address of a frame or of a packet."),
    Field("type_of_service", .uint8, "Type of service."),
    Field("queue_id", .uint32, "Queue."),
    Field("copy_stage", .uint8, "Where packets are copied."),
    Field("copy_stage_name", .text, "Its name."),
  ] + vendorFields

/// Members of a flow, in a message about one and in statistics of several.
private let oneFlowFields = [
  Field("table_id", .uint8, "Table of the flow."),
  Field("match", .object(matchFields), "Packets of the flow; what is left out may have any value."),
  Field("flow_cookie", .hex, "Number by which the controller knows the flow."),
  Field("priority", .uint16, "Priority of the flow."),
  Field("idle_timeout_seconds", .uint16, "Seconds without a packet after which the flow is removed; 0 for never."),
  Field("hard_timeout_seconds", .uint16, "Seconds after which the flow is removed; 0 for never."),
  Field("duration_seconds", .uint32, "Seconds that the flow was there."),
  Field("duration_nanoseconds", .uint32, "Nanoseconds beyond them."),
  Field("packet_count", .uint64, "Packets."),
  Field("byte_count", .uint64, "Bytes."),
  Field("actions", .array(.object(actionFields)), "What is done with the packets.", each: "One action."),
]

/// Members of messages about packets and flows, and of statistics.
private let flowFields =
  oneFlowFields + [
    Field("command", .uint16, "What is to be done with a flow, group or meter."),
    Field("command_name", .text, "Its name."),
    Field("buffer_id", .uint32, "Where the switch keeps a packet; 4294967295 for nowhere."),
    Field("total_length", .uint16, "Bytes of a packet of which the begin is there."),
    Field("in_port", .uint32, "Port that a packet came in by."),
    Field("in_port_name", .text, "Name of a reserved port."),
    Field("out_port", .uint32, "Port of flows that the message is about."),
    Field("out_port_name", .text, "Name of a reserved port."),
    Field("reason", .uint8, "Why the switch reports a packet, a port or a flow."),
    Field("reason_name", .text, "Name of the reason."),
    Field("flag_bits", .uint16, "Flags."),
    Field("group_id", .uint32, "Group."),
    Field("group_type", .uint8, "Kind of group."),
    Field("group_type_name", .text, "Name of the kind."),
    Field("meter_id", .uint32, "Meter."),
    Field("statistics_type", .uint16, "Kind of statistics."),
    Field("statistics_type_name", .text, "Name of the kind."),
    Field("flow_count", .uint32, "Flows."),
    Field("manufacturer_text", .text, "Who made the switch."),
    Field("hardware_text", .text, "Hardware of the switch."),
    Field("software_text", .text, "Software of the switch."),
    Field("serial_number", .text, "Serial number of the switch."),
    Field("datapath_text", .text, "Operator's name of the switch."),
    Field(
      "flows", .array(.object([Field("length", .uint16, "Bytes of the entry.")] + oneFlowFields)), "Flows.",
      each: "One flow."),
    Field(
      "tables",
      .array(
        .object([
          Field("table_id", .uint8, "Table."),
          Field("name", .text, "Name of the table."),
          Field("wildcard_bits", .uint32, "Fields of a match that the table can leave out: a bit for each."),
          Field("maximum_flows", .uint32, "Flows that the table has room for."),
          Field("flow_count", .uint32, "Flows."),
          Field("lookup_count", .uint64, "Packets that were looked up in the table."),
          Field("matched_count", .uint64, "Packets of which there was a flow."),
        ])), "Tables of flows.", each: "One table."),
  ]
