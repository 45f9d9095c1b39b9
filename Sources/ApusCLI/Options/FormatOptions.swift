/// The form in which times, names and numbers are printed.
struct FormatOptions: Sendable {
  var time = 0
  var timeForm: String?
  var precision: String?
  var micro = false
  var nano = false
  var absoluteSequence = false
  var skipChecksums = false
  var oneLine = false
  var payloadType: String?
  var omitDomain = false
  var foreignNumeric = false
  var dottedAS = false
  var mesh = false
  var rawHandles = false
}

extension Flag {
  static let forms: [Flag] = [
    Flag(
      .forms, "t", nil, repeats: true,
      "No timestamp; -tt seconds, -ttt since the previous packet, -tttt with date, -ttttt since the first."
    ) { $0.forms.time += 1 },
    Flag(
      .forms, nil, "time",
      .oneOf([
        "rfc3339": "date and local time with its offset", "utc": "date and time in UTC", "local": "date and local time",
        "epoch": "seconds since 1970", "delta": "time since the previous packet",
      ]), "Timestamp format: local is that of -tttt, epoch of -tt, delta of -ttt."
    ) { $0.forms.timeForm = $1 },
    Flag(
      .forms, nil, "time-stamp-precision", .oneOf(["micro": "microseconds", "nano": "nanoseconds"]),
      "Timestamp precision, printed and written."
    ) { $0.forms.precision = $1 },
    Flag(.forms, nil, "micro", "Timestamps in microseconds.") { $0.forms.micro = true },
    Flag(.forms, nil, "nano", "Timestamps in nanoseconds.") { $0.forms.nano = true },
    Flag(.forms, "S", "absolute-tcp-sequence-numbers", "Print absolute TCP sequence numbers.") {
      $0.forms.absoluteSequence = true
    },
    Flag(.forms, "K", "dont-verify-checksums", "Do not verify checksums.") { $0.forms.skipChecksums = true },
    Flag(.forms, "g", "ip-oneline", "No line break after the IP header with -v.") { $0.forms.oneLine = true },
    Flag(.forms, "T", "payload-type", .payloadType, "Decode payloads as:") {
      $0.forms.payloadType = $1
    },
    Flag(.forms, "N", nil, "Print host names without their domain.") { $0.forms.omitDomain = true },
    Flag(.forms, "f", nil, "Print foreign IPv4 addresses as numbers.") { $0.forms.foreignNumeric = true },
    Flag(.forms, "b", nil, "Print BGP AS numbers in dotted notation.") { $0.forms.dottedAS = true },
    Flag(.forms, "H", nil, "Look for 802.11s draft mesh headers.") { $0.forms.mesh = true },
    Flag(.forms, "u", nil, "Print NFS file handles undecoded.") { $0.forms.rawHandles = true },
  ]
}
