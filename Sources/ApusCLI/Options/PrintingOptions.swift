/// What to print of a packet.
struct PrintingOptions: Sendable {
  var numeric = 0
  var verbose = 0
  var quiet = false
  var linkHeader = false
  var number = false
  var lengths = false
  var color: String?
  var json = false
  var jsonPayload: String?
  var hex = 0
  var hexAndASCII = 0
  var ascii = 0
  var lineBuffered = false
}

extension Flag {
  static let printing: [Flag] = [
    Flag(.printing, "n", nil, repeats: true, "Print numbers, not names.") { $0.printing.numeric += 1 },
    Flag(.printing, "v", nil, repeats: true, "Print more; -vv and -vvv still more.") { $0.printing.verbose += 1 },
    Flag(.printing, "q", nil, "Print less.") { $0.printing.quiet = true },
    Flag(.printing, "e", nil, "Print the link-layer header.") { $0.printing.linkHeader = true },
    Flag(.printing, "#", "number", "Print the packet number.") { $0.printing.number = true },
    Flag(.printing, nil, "lengths", "Print the captured and the original length.") { $0.printing.lengths = true },
    Flag(
      .printing, nil, "color",
      .oneOf(["auto": "on a terminal", "always": "also to files and pipes", "never": "no colours"]),
      "Colours; auto: on a terminal."
    ) { $0.printing.color = $1 },
    Flag(.printing, nil, "json", "Print each packet as a JSON object on its own line.") {
      $0.printing.json = true
    },
    Flag(
      .printing, nil, "json-payload", .oneOf(["hex": "hexadecimal digits", "base64": "RFC 4648 section 4"]),
      "Add TCP and UDP payloads to the objects."
    ) { $0.printing.jsonPayload = $1 },
    Flag(.printing, "x", nil, repeats: true, "Print the bytes in hex; -xx with the link-layer header.") {
      $0.printing.hex += 1
    },
    Flag(.printing, "X", nil, repeats: true, "Print the bytes in hex and ASCII; -XX with the link-layer header.") {
      $0.printing.hexAndASCII += 1
    },
    Flag(.printing, "A", nil, repeats: true, "Print the bytes in ASCII; -AA with the link-layer header.") {
      $0.printing.ascii += 1
    },
    Flag(.printing, "l", nil, "Write each packet's text at once.") { $0.printing.lineBuffered = true },
  ]
}
