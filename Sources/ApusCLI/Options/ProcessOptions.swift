/// Options for the processes that send and receive packets.
struct ProcessOptions: Sendable {
  var areShown = false
  var command: [String] = []
}

extension Flag {
  static let processes: [Flag] = [
    Flag(
      .processes, nil, "process",
      "Print which processes send and receive each packet, as , from curl.3987, to python3.3745 (- is unknown); -w to a pcapng file keeps them, "
        + "and -r reads them back."
    ) { $0.processes.areShown = true },
    Flag(
      .processes, nil, "run", .command,
      "Run a command, which is the rest of the line, and capture nothing but what it and its children send and receive."
    ) { $0.processes.command.append($1) },
  ]
}
