/// In which form times, names and numbers are printed.
struct FormOptions: Sendable {
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
      "No time; -tt seconds, -ttt since the previous packet, -tttt with date, -ttttt since the first."
    ) { $0.forms.time += 1 },
    Flag(
      .forms, nil, "time",
      .oneOf([
        "rfc3339": "date and local time with its offset", "utc": "date and time in UTC", "local": "date and local time",
        "epoch": "seconds since 1970", "delta": "time since the previous packet",
      ]), "Form of the time: local is that of -tttt, epoch of -tt, delta of -ttt."
    ) { $0.forms.timeForm = $1 },
    Flag(
      .forms, nil, "time-stamp-precision", .oneOf(["micro": "microseconds", "nano": "nanoseconds"]),
      "Digits of the time, printed and written."
    ) { $0.forms.precision = $1 },
    Flag(.forms, nil, "micro", "Microseconds.") { $0.forms.micro = true },
    Flag(.forms, nil, "nano", "Nanoseconds.") { $0.forms.nano = true },
    Flag(.forms, "S", "absolute-tcp-sequence-numbers", "Print absolute TCP sequence numbers.") {
      $0.forms.absoluteSequence = true
    },
    Flag(.forms, "K", "dont-verify-checksums", "Verify no checksums.") { $0.forms.skipChecksums = true },
    Flag(.forms, "g", "ip-oneline", "No line break after the IP header with -v.") { $0.forms.oneLine = true },
    Flag(.forms, "T", "payload-type", .payloadType, "Take payloads for:") {
      $0.forms.payloadType = $1
    },
    Flag(.forms, "N", nil, "Host names without their domain.") { $0.forms.omitDomain = true },
    Flag(.forms, "f", nil, "Numbers for foreign IPv4 addresses.") { $0.forms.foreignNumeric = true },
    Flag(.forms, "b", nil, "BGP AS numbers in dotted notation.") { $0.forms.dottedAS = true },
    Flag(.forms, "H", nil, "Look for 802.11s draft mesh headers.") { $0.forms.mesh = true },
    Flag(.forms, "u", nil, "NFS file handles undecoded.") { $0.forms.rawHandles = true },
  ]
}
