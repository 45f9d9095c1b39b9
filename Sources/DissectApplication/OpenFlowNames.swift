import Dissect

// Names of the numbers in OpenFlow 1.0.0 and 1.3.4, without their prefixes in the specifications (OFPT_, OFPC_, …).

/// Version 1.0.0.
enum OpenFlow10 {
  /// Section 5.1.
  static let messages: ValueNames = [
    0: "HELLO", 1: "ERROR", 2: "ECHO_REQUEST", 3: "ECHO_REPLY", 4: "VENDOR", 5: "FEATURES_REQUEST",
    6: "FEATURES_REPLY", 7: "GET_CONFIG_REQUEST", 8: "GET_CONFIG_REPLY", 9: "SET_CONFIG", 10: "PACKET_IN",
    11: "FLOW_REMOVED", 12: "PORT_STATUS", 13: "PACKET_OUT", 14: "FLOW_MOD", 15: "PORT_MOD", 16: "STATS_REQUEST",
    17: "STATS_REPLY", 18: "BARRIER_REQUEST", 19: "BARRIER_REPLY", 20: "QUEUE_GET_CONFIG_REQUEST",
    21: "QUEUE_GET_CONFIG_REPLY",
  ]
  /// Section 5.2.1.
  static let ports: ValueNames = [
    0xff00: "MAX", 0xfff8: "IN_PORT", 0xfff9: "TABLE", 0xfffa: "NORMAL", 0xfffb: "FLOOD", 0xfffc: "ALL",
    0xfffd: "CONTROLLER", 0xfffe: "LOCAL", 0xffff: "NONE",
  ]
  static let portConfiguration: FlagNames = [
    0x01: "PORT_DOWN", 0x02: "NO_STP", 0x04: "NO_RECV", 0x08: "NO_RECV_STP", 0x10: "NO_FLOOD", 0x20: "NO_FWD",
    0x40: "NO_PACKET_IN",
  ]
  /// The two bits of the spanning tree state, without the others.
  static let spanningTreeStates: ValueNames = [
    0x000: "STP_LISTEN", 0x100: "STP_LEARN", 0x200: "STP_FORWARD", 0x300: "STP_BLOCK",
  ]
  static let portFeatures: FlagNames = [
    0x001: "10MB_HD", 0x002: "10MB_FD", 0x004: "100MB_HD", 0x008: "100MB_FD", 0x010: "1GB_HD", 0x020: "1GB_FD",
    0x040: "10GB_FD", 0x080: "COPPER", 0x100: "FIBER", 0x200: "AUTONEG", 0x400: "PAUSE", 0x800: "PAUSE_ASYM",
  ]
  /// Section 5.2.2.
  static let queueProperties: ValueNames = [0: "NONE", 1: "MIN_RATE"]
  /// Section 5.2.3.
  static let wildcards: FlagNames = [
    0x000001: "IN_PORT", 0x000002: "DL_VLAN", 0x000004: "DL_SRC", 0x000008: "DL_DST", 0x000010: "DL_TYPE",
    0x000020: "NW_PROTO", 0x000040: "TP_SRC", 0x000080: "TP_DST", 0x100000: "DL_VLAN_PCP", 0x200000: "NW_TOS",
  ]
  /// Section 5.2.4.
  static let actions: ValueNames = [
    0: "OUTPUT", 1: "SET_VLAN_VID", 2: "SET_VLAN_PCP", 3: "STRIP_VLAN", 4: "SET_DL_SRC", 5: "SET_DL_DST",
    6: "SET_NW_SRC", 7: "SET_NW_DST", 8: "SET_NW_TOS", 9: "SET_TP_SRC", 10: "SET_TP_DST", 11: "ENQUEUE",
    0xffff: "VENDOR",
  ]
  /// The same as bits of a switch's capabilities.
  static let actionBits: FlagNames = [
    0x001: "OUTPUT", 0x002: "SET_VLAN_VID", 0x004: "SET_VLAN_PCP", 0x008: "STRIP_VLAN", 0x010: "SET_DL_SRC",
    0x020: "SET_DL_DST", 0x040: "SET_NW_SRC", 0x080: "SET_NW_DST", 0x100: "SET_NW_TOS", 0x200: "SET_TP_SRC",
    0x400: "SET_TP_DST", 0x800: "ENQUEUE",
  ]
  /// Section 5.3.1.
  static let capabilities: FlagNames = [
    0x01: "FLOW_STATS", 0x02: "TABLE_STATS", 0x04: "PORT_STATS", 0x08: "STP", 0x10: "RESERVED", 0x20: "IP_REASM",
    0x40: "QUEUE_STATS", 0x80: "ARP_MATCH_IP",
  ]
  /// Section 5.3.2; the same in 1.3.
  static let fragmentHandling: ValueNames = [0: "FRAG_NORMAL", 1: "FRAG_DROP", 2: "FRAG_REASM"]
  /// Section 5.3.3.
  static let commands: ValueNames = [0: "ADD", 1: "MODIFY", 2: "MODIFY_STRICT", 3: "DELETE", 4: "DELETE_STRICT"]
  static let flowFlags: FlagNames = [0x1: "SEND_FLOW_REM", 0x2: "CHECK_OVERLAP", 0x4: "EMERG"]
  /// Section 5.3.5.
  static let statistics: ValueNames = [
    0: "DESC", 1: "FLOW", 2: "AGGREGATE", 3: "TABLE", 4: "PORT", 5: "QUEUE", 0xffff: "VENDOR",
  ]
  static let tables: ValueNames = [0xfe: "EMERG", 0xff: "ALL"]
  static let replyFlags: FlagNames = [0x1: "MORE"]
  /// Section 5.4.1.
  static let packetReasons: ValueNames = [0: "NO_MATCH", 1: "ACTION"]
  /// Section 5.4.2.
  static let removalReasons: ValueNames = [0: "IDLE_TIMEOUT", 1: "HARD_TIMEOUT", 2: "DELETE"]
  /// Section 5.4.3; the same in 1.3.
  static let portReasons: ValueNames = [0: "ADD", 1: "DELETE", 2: "MODIFY"]
  /// Section 5.4.4.
  static let errors = OpenFlowErrors(
    types: [
      0: "HELLO_FAILED", 1: "BAD_REQUEST", 2: "BAD_ACTION", 3: "FLOW_MOD_FAILED", 4: "PORT_MOD_FAILED",
      5: "QUEUE_OP_FAILED",
    ],
    codes: [
      [0: "INCOMPATIBLE", 1: "EPERM"],
      [
        0: "BAD_VERSION", 1: "BAD_TYPE", 2: "BAD_STAT", 3: "BAD_VENDOR", 4: "BAD_SUBTYPE", 5: "EPERM", 6: "BAD_LEN",
        7: "BUFFER_EMPTY", 8: "BUFFER_UNKNOWN",
      ],
      [
        0: "BAD_TYPE", 1: "BAD_LEN", 2: "BAD_VENDOR", 3: "BAD_VENDOR_TYPE", 4: "BAD_OUT_PORT", 5: "BAD_ARGUMENT",
        6: "EPERM", 7: "TOO_MANY", 8: "BAD_QUEUE",
      ],
      [
        0: "ALL_TABLES_FULL", 1: "OVERLAP", 2: "EPERM", 3: "BAD_EMERG_TIMEOUT", 4: "BAD_COMMAND", 5: "UNSUPPORTED",
      ],
      [0: "BAD_PORT", 1: "BAD_HW_ADDR"],
      [0: "BAD_PORT", 1: "BAD_QUEUE", 2: "EPERM"],
    ])
}

/// Version 1.3.4.
enum OpenFlow13 {
  /// Section A.1.
  static let messages: ValueNames = [
    0: "HELLO", 1: "ERROR", 2: "ECHO_REQUEST", 3: "ECHO_REPLY", 4: "EXPERIMENTER", 5: "FEATURES_REQUEST",
    6: "FEATURES_REPLY", 7: "GET_CONFIG_REQUEST", 8: "GET_CONFIG_REPLY", 9: "SET_CONFIG", 10: "PACKET_IN",
    11: "FLOW_REMOVED", 12: "PORT_STATUS", 13: "PACKET_OUT", 14: "FLOW_MOD", 15: "GROUP_MOD", 16: "PORT_MOD",
    17: "TABLE_MOD", 18: "MULTIPART_REQUEST", 19: "MULTIPART_REPLY", 20: "BARRIER_REQUEST", 21: "BARRIER_REPLY",
    22: "QUEUE_GET_CONFIG_REQUEST", 23: "QUEUE_GET_CONFIG_REPLY", 24: "ROLE_REQUEST", 25: "ROLE_REPLY",
    26: "GET_ASYNC_REQUEST", 27: "GET_ASYNC_REPLY", 28: "SET_ASYNC", 29: "METER_MOD",
  ]
  /// Section A.2.1.
  static let ports: ValueNames = [
    0xffff_ff00: "MAX", 0xffff_fff8: "IN_PORT", 0xffff_fff9: "TABLE", 0xffff_fffa: "NORMAL", 0xffff_fffb: "FLOOD",
    0xffff_fffc: "ALL", 0xffff_fffd: "CONTROLLER", 0xffff_fffe: "LOCAL", 0xffff_ffff: "ANY",
  ]
  static let portConfiguration: FlagNames = [
    0x01: "PORT_DOWN", 0x04: "NO_RECV", 0x20: "NO_FWD", 0x40: "NO_PACKET_IN",
  ]
  static let portStates: FlagNames = [0x1: "LINK_DOWN", 0x2: "BLOCKED", 0x4: "LIVE"]
  static let portFeatures: FlagNames = [
    0x0001: "10MB_HD", 0x0002: "10MB_FD", 0x0004: "100MB_HD", 0x0008: "100MB_FD", 0x0010: "1GB_HD", 0x0020: "1GB_FD",
    0x0040: "10GB_FD", 0x0080: "40GB_FD", 0x0100: "100GB_FD", 0x0200: "1TB_FD", 0x0400: "OTHER", 0x0800: "COPPER",
    0x1000: "FIBER", 0x2000: "AUTONEG", 0x4000: "PAUSE", 0x8000: "PAUSE_ASYM",
  ]
  /// Section A.3.1.
  static let capabilities: FlagNames = [
    0x001: "FLOW_STATS", 0x002: "TABLE_STATS", 0x004: "PORT_STATS", 0x008: "GROUP_STATS", 0x020: "IP_REASM",
    0x040: "QUEUE_STATS", 0x100: "PORT_BLOCKED",
  ]
  /// Section A.3.2: how much of a packet is sent to a controller.
  static let sendLengths: ValueNames = [0xffe5: "MAX", 0xffff: "NO_BUFFER"]
  /// Section A.3.3.
  static let tables: ValueNames = [0xfe: "MAX", 0xff: "ALL"]
  /// Section A.3.4.
  static let groupCommands: ValueNames = [0: "ADD", 1: "MODIFY", 2: "DELETE"]
  static let groupTypes: ValueNames = [0: "ALL", 1: "SELECT", 2: "INDIRECT", 3: "FF"]
  /// Section A.3.5.
  static let statistics: ValueNames = [
    0: "DESC", 1: "FLOW", 2: "AGGREGATE", 3: "TABLE", 4: "PORT_STATS", 5: "QUEUE", 6: "GROUP", 7: "GROUP_DESC",
    8: "GROUP_FEATURES", 9: "METER", 10: "METER_CONFIG", 11: "METER_FEATURES", 12: "TABLE_FEATURES", 13: "PORT_DESC",
    0xffff: "EXPERIMENTER",
  ]
  /// Section A.3.9.
  static let roles: ValueNames = [0: "NOCHANGE", 1: "EQUAL", 2: "MASTER", 3: "SLAVE"]
  /// Section A.4.1.
  static let packetReasons: ValueNames = [0: "NO_MATCH", 1: "ACTION", 2: "INVALID_TTL"]
  static let packetReasonBits: FlagNames = [0x1: "NO_MATCH", 0x2: "ACTION", 0x4: "INVALID_TTL"]
  /// Section A.4.2.
  static let removalReasons: ValueNames = [0: "IDLE_TIMEOUT", 1: "HARD_TIMEOUT", 2: "DELETE", 3: "GROUP_DELETE"]
  /// Section A.4.3.
  static let portReasonBits: FlagNames = [0x1: "ADD", 0x2: "DELETE", 0x4: "MODIFY"]
  /// Section A.5.1.
  static let helloElements: ValueNames = [1: "VERSIONBITMAP"]
  /// The text takes the lowest bit for 1.0; section A.5.1 numbers the bits like the versions in headers, from 1.
  static let versionBits: FlagNames = [
    0x01: "1.0", 0x02: "1.1", 0x04: "1.2", 0x08: "1.3", 0x10: "1.4", 0x20: "1.5",
  ]
  /// Section A.4.4.
  static let errors = OpenFlowErrors(
    types: [
      0: "HELLO_FAILED", 1: "BAD_REQUEST", 2: "BAD_ACTION", 3: "BAD_INSTRUCTION", 4: "BAD_MATCH",
      5: "FLOW_MOD_FAILED", 6: "GROUP_MOD_FAILED", 7: "PORT_MOD_FAILED", 8: "TABLE_MOD_FAILED", 9: "QUEUE_OP_FAILED",
      10: "SWITCH_CONFIG_FAILED", 11: "ROLE_REQUEST_FAILED", 12: "METER_MOD_FAILED", 13: "TABLE_FEATURES_FAILED",
      0xffff: "EXPERIMENTER",
    ],
    codes: [
      [0: "INCOMPATIBLE", 1: "EPERM"],
      [
        0: "BAD_VERSION", 1: "BAD_TYPE", 2: "BAD_MULTIPART", 3: "BAD_EXPERIMENTER", 4: "BAD_EXP_TYPE", 5: "EPERM",
        6: "BAD_LEN", 7: "BUFFER_EMPTY", 8: "BUFFER_UNKNOWN", 9: "BAD_TABLE_ID", 10: "IS_SLAVE", 11: "BAD_PORT",
        12: "BAD_PACKET", 13: "MULTIPART_BUFFER_OVERFLOW",
      ],
      [
        0: "BAD_TYPE", 1: "BAD_LEN", 2: "BAD_EXPERIMENTER", 3: "BAD_EXP_TYPE", 4: "BAD_OUT_PORT", 5: "BAD_ARGUMENT",
        6: "EPERM", 7: "TOO_MANY", 8: "BAD_QUEUE", 9: "BAD_OUT_GROUP", 10: "MATCH_INCONSISTENT",
        11: "UNSUPPORTED_ORDER", 12: "BAD_TAG", 13: "BAD_SET_TYPE", 14: "BAD_SET_LEN", 15: "BAD_SET_ARGUMENT",
      ],
      [
        0: "UNKNOWN_INST", 1: "UNSUP_INST", 2: "BAD_TABLE_ID", 3: "UNSUP_METADATA", 4: "UNSUP_METADATA_MASK",
        5: "BAD_EXPERIMENTER", 6: "BAD_EXP_TYPE", 7: "BAD_LEN", 8: "EPERM",
      ],
      [
        0: "BAD_TYPE", 1: "BAD_LEN", 2: "BAD_TAG", 3: "BAD_DL_ADDR_MASK", 4: "BAD_NW_ADDR_MASK", 5: "BAD_WILDCARDS",
        6: "BAD_FIELD", 7: "BAD_VALUE", 8: "BAD_MASK", 9: "BAD_PREREQ", 10: "DUP_FIELD", 11: "EPERM",
      ],
      [
        0: "UNKNOWN", 1: "TABLE_FULL", 2: "BAD_TABLE_ID", 3: "OVERLAP", 4: "EPERM", 5: "BAD_TIMEOUT",
        6: "BAD_COMMAND", 7: "BAD_FLAGS",
      ],
      [
        0: "GROUP_EXISTS", 1: "INVALID_GROUP", 2: "WEIGHT_UNSUPPORTED", 3: "OUT_OF_GROUPS", 4: "OUT_OF_BUCKETS",
        5: "CHAINING_UNSUPPORTED", 6: "WATCH_UNSUPPORTED", 7: "LOOP", 8: "UNKNOWN_GROUP", 9: "CHAINED_GROUP",
        10: "BAD_TYPE", 11: "BAD_COMMAND", 12: "BAD_BUCKET", 13: "BAD_MATCH", 14: "EPERM",
      ],
      [0: "BAD_PORT", 1: "BAD_HW_ADDR", 2: "BAD_CONFIG", 3: "BAD_ADVERTISE", 4: "EPERM"],
      [0: "BAD_TABLE", 1: "BAD_CONFIG", 2: "EPERM"],
      [0: "BAD_PORT", 1: "BAD_QUEUE", 2: "EPERM"],
      [0: "BAD_FLAGS", 1: "BAD_LEN", 2: "EPERM"],
      [0: "STALE", 1: "UNSUP", 2: "BAD_ROLE"],
      [
        0: "UNKNOWN", 1: "METER_EXISTS", 2: "INVALID_METER", 3: "UNKNOWN_METER", 4: "BAD_COMMAND", 5: "BAD_FLAGS",
        6: "BAD_RATE", 7: "BAD_BURST", 8: "BAD_BAND", 9: "BAD_BAND_VALUE", 10: "OUT_OF_METERS", 11: "OUT_OF_BANDS",
      ],
      [
        0: "BAD_TABLE", 1: "BAD_METADATA", 2: "BAD_TYPE", 3: "BAD_LEN", 4: "BAD_ARGUMENT", 5: "EPERM",
      ],
    ])
}

/// Messages and actions of Big Switch Networks, without their prefixes.
enum BigSwitch {
  static let messages: ValueNames = [
    0: "SET_IP_MASK", 1: "GET_IP_MASK_REQUEST", 2: "GET_IP_MASK_REPLY", 3: "SET_MIRRORING",
    4: "GET_MIRRORING_REQUEST", 5: "GET_MIRRORING_REPLY", 6: "SHELL_COMMAND", 7: "SHELL_OUTPUT", 8: "SHELL_STATUS",
    9: "GET_INTERFACES_REQUEST", 10: "GET_INTERFACES_REPLY", 11: "SET_PKTIN_SUPPRESSION_REQUEST",
    12: "SET_L2_TABLE_REQUEST", 13: "GET_L2_TABLE_REQUEST", 14: "GET_L2_TABLE_REPLY",
    15: "VIRTUAL_PORT_CREATE_REQUEST", 16: "VIRTUAL_PORT_CREATE_REPLY", 17: "VIRTUAL_PORT_REMOVE_REQUEST",
    18: "BW_ENABLE_SET_REQUEST", 19: "BW_ENABLE_GET_REQUEST", 20: "BW_ENABLE_GET_REPLY", 21: "BW_CLEAR_DATA_REQUEST",
    22: "BW_CLEAR_DATA_REPLY", 23: "BW_ENABLE_SET_REPLY", 24: "SET_L2_TABLE_REPLY", 25: "SET_PKTIN_SUPPRESSION_REPLY",
    26: "VIRTUAL_PORT_REMOVE_REPLY", 27: "HYBRID_GET_REQUEST", 28: "HYBRID_GET_REPLY", 31: "PDU_TX_REQUEST",
    32: "PDU_TX_REPLY", 33: "PDU_RX_REQUEST", 34: "PDU_RX_REPLY", 35: "PDU_RX_TIMEOUT",
  ]
  static let actions: ValueNames = [1: "MIRROR", 2: "SET_TUNNEL_DST", 4: "CHECKSUM"]
  static let switches: ValueNames = [0: "OFF", 1: "ON"]
  static let copyStages: ValueNames = [0: "INGRESS", 1: "EGRESS"]
  /// The number of this vendor.
  static let vendor: UInt32 = 0x5c16c7
}
