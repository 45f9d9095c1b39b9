/// What Wireshark asks of a program that captures for it: extcap(4), and the chapter on extcap of Wireshark's Developer's Guide.
///
/// An interface is called `apus-eth0` there, so that it stands beside the `eth0` on which Wireshark captures by itself.
enum ExtcapRequest {
  /// Something to print.
  case question(ExtcapQuestion)
  case capture(ExtcapCapture)

  /// What the interfaces' names begin with.
  static let prefix = "apus-"

  /// The request of the options; nil where Wireshark has not made them. Throws where they contradict each other.
  init?(_ options: ExtcapOptions) throws(CommandError) {
    let requests = [
      ("--extcap-interfaces", options.listInterfaces), ("--extcap-dlts", options.listLinkTypes),
      ("--extcap-config", options.listArguments), ("--capture", options.captures),
    ].filter(\.1).map(\.0)
    let device = try options.interface.map { name throws(CommandError) in try Self.device(name) }
    switch requests.first {
    case "--extcap-interfaces": self = .question(.interfaces)
    case "--extcap-dlts": self = .question(.linkTypes(of: try Self.required(device, "--extcap-dlts")))
    case "--extcap-config": self = .question(.arguments(of: try Self.required(device, "--extcap-config")))
    case "--capture": self = .capture(try ExtcapCapture(options, on: try Self.required(device, "--capture")))
    default:
      if let filter = options.filter {
        self = .question(.filter(filter, on: device))
      } else if options.version != nil {
        self = .question(.version)
      } else if device != nil {
        throw CommandError(
          "--extcap-interface requires --extcap-dlts, --extcap-config, --extcap-capture-filter or --capture")
      } else {
        return nil
      }
    }
  }

  private static func required(_ device: String?, _ flag: String) throws(CommandError) -> String {
    guard let device else { throw CommandError("\(flag) requires --extcap-interface") }
    return device
  }

  /// The interface that is called so in Wireshark.
  private static func device(_ name: String) throws(CommandError) -> String {
    guard name.hasPrefix(prefix), name.utf8.count > prefix.utf8.count else {
      throw CommandError("\(name): not a name of --extcap-interfaces, which begins with \(prefix)")
    }
    return String(name.dropFirst(prefix.count))
  }
}

/// A capture for Wireshark: one like all others, into a FIFO as pcapng. It ends without a word when Wireshark has closed it.
struct ExtcapCapture {
  let device: String
  let fifo: String
  let filter: String
  /// Where Wireshark writes what is done in its toolbar: nothing that concerns a capture.
  let controlIn: String?
  /// Where Wireshark reads messages.
  let controlOut: String?

  fileprivate init(_ options: ExtcapOptions, on device: String) throws(CommandError) {
    guard let fifo = options.fifo else { throw CommandError("--capture requires --fifo") }
    self.device = device
    self.fifo = fifo
    filter = options.filter ?? ""
    controlIn = options.controlIn
    controlOut = options.controlOut
  }

  /// The options of an ordinary capture that does the same. Throws where the filter is stated twice.
  func applied(to options: Options) throws(CommandError) -> Options {
    var options = options
    guard options.filter.expression.isEmpty || filter.isEmpty else {
      throw CommandError("--extcap-capture-filter replaces the expression: give only one of them")
    }
    options.input.interfaces = [device]
    options.output.writeFile = fifo
    options.output.format = "pcapng"
    options.output.compression = "none"
    if !filter.isEmpty { options.filter.expression = [filter] }
    return options
  }
}
