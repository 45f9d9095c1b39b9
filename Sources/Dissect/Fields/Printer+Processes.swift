package import PacketCore

/// The processes that send and receive a packet: `, from curl.3987, to python3.3745`.
extension Printer {
  /// Appends the processes of the current packet to its text; with `-v` all that is known about them.
  mutating func write(_ processes: PacketProcesses) {
    out.write(", from ")
    write(processes.sender)
    out.write(", to ")
    write(processes.receiver)
  }

  /// The same in a sentence: `sent by curl.3987, received by an unknown process`.
  package mutating func write(endsOf processes: PacketProcesses) {
    out.write("sent by ")
    if let sender = processes.sender { write(sender) } else { out.write("an unknown process") }
    out.write(", received by ")
    if let receiver = processes.receiver { write(receiver) } else { out.write("an unknown process") }
  }

  private mutating func write(_ owner: ProcessOwner?) {
    guard let owner else { return out.write("-") }
    if !owner.name.isEmpty {
      for index in 0..<owner.name.count { out.write(escaped: owner.name[index]) }
      out.write(".")
    }
    out.write(decimal: owner.process)
    guard options.verbosity > 0 else { return }
    var separator: StaticString = " ("
    if let user = owner.user {
      out.write(separator)
      out.write("uid ")
      out.write(decimal: user)
      separator = ", "
    }
    if let container = owner.container {
      out.write(separator)
      out.write("container ")
      out.write(String(container.prefix(Self.shownDigits)))
      separator = ", "
    } else if let group = owner.controlGroup {
      out.write(separator)
      out.write("cgroup ")
      out.write(visible: group.path)
      separator = ", "
    }
    if let word = owner.evidence.word {
      out.write(separator)
      out.write("by ")
      out.write(word)
      separator = ", "
    }
    if owner.user != nil || owner.controlGroup != nil || owner.evidence.word != nil { out.write(")") }
  }

  /// Number of digits shown of a container's identifier, the same as container tools show.
  private static var shownDigits: Int { 12 }

  /// Records the processes as a member of the packet's object.
  mutating func record(_ processes: PacketProcesses) {
    fields.beginObject("process")
    record("sender", processes.sender)
    record("receiver", processes.receiver)
    fields.end()
  }

  private mutating func record(_ key: StaticString, _ owner: ProcessOwner?) {
    guard let owner else { return }
    fields.beginObject(key)
    fields.write("pid", owner.process)
    if owner.thread != 0 { fields.write("tid", owner.thread) }
    if !owner.name.isEmpty { fields.write("comm", owner.name.text) }
    if let user = owner.user { fields.write("uid", user) }
    if let group = owner.controlGroup { fields.write("cgroup", group.path) }
    if let container = owner.container { fields.write("container", container) }
    if let word = owner.evidence.word { fields.write("how", word) }
    fields.end()
  }

  /// The member as the schema describes it.
  static let processField = Field(
    "process",
    .object([
      Field("sender", .object(ownerFields), "The process that has sent the packet, where it is known."),
      Field("receiver", .object(ownerFields), "The process that receives it, where it is known."),
    ]), "With --process: who sends and receives the packet.")

  private static let ownerFields = [
    Field("pid", .uint32, "Process.", always: true),
    Field("tid", .uint32, "Thread that made the socket or used it first, where it is known."),
    Field("comm", .text, "Name of the process, up to 15 bytes."),
    Field("uid", .uint32, "User."),
    Field("cgroup", .text, "Path of the control group (cgroup v2) from the root on."),
    Field("container", .text, "Identifier of the container: 64 hexadecimal digits of that path."),
    Field(
      "how", .words(["event", "scan"]),
      "How it is known: as an event of the kernel, or from a look at the open sockets."),
  ]
}
