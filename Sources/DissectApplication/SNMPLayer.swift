import Dissect

extension Layer {
  static let snmp = Layer(
    "snmp", "Simple Network Management Protocol", "RFC 1157, RFC 3416, RFC 3412"
  ) {
    [
      Field("version", .int32, "0 for 1, 1 for 2c, 3 for 3."),
      Field("community", .text, "Community."),
      Field("message_id", .int32, "Message identifier."),
      Field("maximum_size", .int32, "Largest message that the sender takes."),
      Field("authenticated", .flag, "Authentication flag."),
      Field("private", .flag, "Privacy flag."),
      Field("reportable", .flag, "Reportable flag."),
      Field("security_model", .int32, "Security model."),
      Field("engine_id", .hex, "Authoritative engine."),
      Field("engine_boots", .int32, "Its boots."),
      Field("engine_time", .int32, "Its time in seconds."),
      Field("user", .text, "User."),
      Field("context_engine_id", .hex, "Context engine."),
      Field("context_name", .text, "Context."),
      Field("pdu_type", .uint8, "Kind of PDU."),
      Field("pdu_type_name", .text, "Name of the kind."),
      Field("request_id", .int32, "Request identifier."),
      Field("error_status", .int32, "Error status."),
      Field("error_index", .int32, "Error index."),
      Field("non_repeaters", .int32, "Non-repeaters of GetBulk."),
      Field("max_repetitions", .int32, "Maximum repetitions of GetBulk."),
      Field("enterprise_oid", .text, "Trap of version 1: enterprise."),
      Field("agent", .text, "Trap of version 1: address of the agent."),
      Field("generic_trap", .int32, "Trap of version 1: generic trap."),
      Field("specific_trap", .int32, "Trap of version 1: specific trap."),
      Field("uptime", .uint64, "Trap of version 1: time stamp in hundredths of a second."),
      Field(
        "variables",
        .array(
          .object([
            Field("name", .text, "Object identifier."),
            Field("value_type", .words(BERElement.valueTypes), "Type of the value."),
            Field("number", .integer(Int64.min...Int64.max), "Value that is a number."),
            Field("text", .text, "Value that is an address, an object identifier or printable text."),
            Field("data", .hex, "Any other value."),
            Field("exception", .words(["noSuchObject", "noSuchInstance", "endOfMibView"]), "Why there is no value."),
          ])), "Variable bindings.", each: "One variable."),
    ]
  }
}
