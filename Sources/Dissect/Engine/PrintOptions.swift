public import PacketCore

/// What to print of each packet and in what form: the printing flags of the command line, by the letter that sets them.
public struct PrintOptions: Sendable {
  /// How the time of capture is written.
  public enum TimestampForm: Sendable, BitwiseCopyable {
    /// `HH:MM:SS.ffffff` in local time.
    case time
    /// Not at all: `-t`.
    case none
    /// Seconds since the epoch: `-tt`.
    case epoch
    /// The time since the previous packet: `-ttt`.
    case sincePrevious
    /// `YYYY-MM-DD HH:MM:SS.ffffff` in local time: `-tttt`.
    case date
    /// The time since the first packet: `-ttttt`.
    case sinceFirst
    /// `YYYY-MM-DDTHH:MM:SS.ffffff+HH:MM` in local time (RFC 3339): `--time rfc3339`.
    case rfc3339
    /// `YYYY-MM-DDTHH:MM:SS.ffffffZ`: `--time utc`.
    case utc
  }

  /// How to dump the bytes of a packet after its text.
  public enum Dump: Sendable, BitwiseCopyable {
    case none
    /// Hexadecimal without (`-x`) or with (`-xx`) the link-layer header.
    case hex(linkHeader: Bool)
    /// Hexadecimal and ASCII without (`-X`) or with (`-XX`) the link-layer header.
    case hexAndASCII(linkHeader: Bool)
    /// ASCII without (`-A`) or with (`-AA`) the link-layer header.
    case ascii(linkHeader: Bool)
  }

  /// How bytes are written in structured output.
  public enum PayloadForm: String, Sendable, CaseIterable, BitwiseCopyable {
    case hex, base64
  }

  /// `-n`: 1 and up leave names of hosts, ports and protocols out.
  public var numeric = 0
  /// `-v`: 1, 2, 3 and up say more.
  public var verbosity = 0
  /// `-q`: say less.
  public var quiet = false
  /// `-e`: print the link-layer header.
  public var linkHeader = false
  /// `-x`, `-X`, `-A` and their doubles.
  public var dump = Dump.none
  /// `-t`, `-tt`, `-ttt`, `-tttt`, `-ttttt`, `--time`.
  public var timestamp = TimestampForm.time
  /// `--nano`: nine digits of the fraction of a second instead of six.
  public var precision = TimestampPrecision.microseconds
  /// `-#`: print the packet's number.
  public var packetNumber = false
  /// `--lengths`: print the captured and the original length.
  public var lengths = false
  /// `-S`: absolute TCP sequence numbers.
  public var absoluteSequence = false
  /// `-K`: verify no checksum.
  public var skipChecksums = false
  /// `-g`: no line break after the IP header at `-v`.
  public var singleLine = false
  /// `-N`: host names without their domain.
  public var omitDomain = false
  /// `-f`: print IPv4 addresses outside the local network as numbers.
  public var foreignNumeric = false
  /// `-u`: NFS file handles undecoded.
  public var rawNFSHandles = false
  /// `-H`: the draft form of IEEE 802.11s mesh headers.
  public var mesh80211s = false
  /// `-b`: BGP autonomous system numbers in dotted notation.
  public var dottedAS = false
  /// `-T`: parse UDP or TCP payloads as this protocol, whatever the ports are.
  public var payload: PayloadType?
  /// Seconds east of Greenwich for times of day; nil takes the system's time zone (`TZ`, `/etc/localtime`).
  public var utcOffset: Int?

  /// `--json-payload`: how TCP and UDP payloads are written in structured output; nil to leave them out.
  public var payloadForm: PayloadForm?

  /// `--color`: colour times, layers and errors with the escape sequences of a terminal.
  public var color = false

  /// The defaults of a command line without flags.
  public init() {}

  /// The same options for structured output: everything is parsed that any text could show, and names stay numbers.
  public var forFields: PrintOptions {
    var options = self
    options.numeric = 1
    options.verbosity = 3
    options.quiet = false
    options.linkHeader = true
    options.dump = .none
    options.timestamp = .utc
    options.precision = .nanoseconds
    options.packetNumber = false
    options.lengths = false
    options.color = false
    return options
  }

  /// The same options if only layers and endpoints are wanted; the layers are the same as in structured output.
  public var forLayers: PrintOptions {
    var options = forFields
    options.skipChecksums = true
    options.linkHeader = false
    // The text is not read, so no table of connections is needed.
    options.absoluteSequence = true
    return options
  }

  /// Warnings about flags that are given but have no effect yet.
  public var withoutEffect: [String] {
    let flags: [(isGiven: Bool, text: String)] = [
      (foreignNumeric, "-f has no effect: names of hosts come from the files of this machine alone")
    ]
    return flags.filter(\.isGiven).map(\.text)
  }

  /// True if an undecoded payload is not dumped: `-x` or `-X` dumps it anyway, or `-q` asks for less.
  package var suppressesUnknownDump: Bool {
    if quiet { return true }
    return switch dump {
    case .none, .ascii: false
    case .hex, .hexAndASCII: true
    }
  }
}

/// The argument of `-T`: a protocol to parse packets as, whatever their ports are.
public enum PayloadType: String, Sendable, CaseIterable {
  case aodv, carp, cnfp, domain, lmp, pgm, ptp, quic, radius, resp, rpc, rtcp, rtp, snmp, someip, tftp, vat, vxlan, wb
  case pgmZMTP1 = "pgm_zmtp1"
  case zmtp1
}
