/// The engine that captures packets and reads savefiles.
public enum CaptureEngine: String, Sendable, CaseIterable {
  /// The packet ring captures and `Savefile` reads wherever possible; libpcap does everything else.
  case automatic = "auto"
  /// libpcap captures on every device and reads every file.
  case libpcap
}
