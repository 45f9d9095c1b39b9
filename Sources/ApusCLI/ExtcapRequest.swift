/// A request of Wireshark to an external capture program: extcap(4), and the chapter on extcap of Wireshark's Developer's Guide.
///
/// Interface names have a prefix there, as in `apus-eth0`, to distinguish them from the `eth0` that Wireshark captures by itself.
enum ExtcapRequest {
  /// Something to print.
  case question(ExtcapQuestion)
  case capture(ExtcapCapture)

  /// The prefix of the interfaces' names.
  static let prefix = "apus-"

  /// The request in the options; nil if Wireshark has not made one. Throws if the options contradict each other.
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

  /// The interface with that name in Wireshark.
  private static func device(_ name: String) throws(CommandError) -> String {
    guard name.hasPrefix(prefix), name.utf8.count > prefix.utf8.count else {
      throw CommandError("\(name): not a name of --extcap-interfaces, which begins with \(prefix)")
    }
    return String(name.dropFirst(prefix.count))
  }
}

/// A capture for Wireshark: an ordinary one, written as pcapng to a FIFO. It ends silently when Wireshark closes the FIFO.
struct ExtcapCapture {
  let device: String
  let fifo: String
  let filter: String
  /// The FIFO to which Wireshark writes what the user does in its toolbar; none of it affects a capture.
  let controlIn: String?
  /// The FIFO from which Wireshark reads messages.
  let controlOut: String?

  fileprivate init(_ options: ExtcapOptions, on device: String) throws(CommandError) {
    guard let fifo = options.fifo else { throw CommandError("--capture requires --fifo") }
    self.device = device
    self.fifo = fifo
    filter = options.filter ?? ""
    controlIn = options.controlIn
    controlOut = options.controlOut
  }

  /// The options of the equivalent ordinary capture. Throws if there are two filters.
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
