public import Foundation

/// The project's own captures, in `Fixtures/captures`; `Fixtures/README.md` describes each of them.
public enum Fixture {
  /// The folder that `Package.swift` is in.
  public static let packageRoot = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// The folder `Fixtures`.
  public static let folder = packageRoot.appendingPathComponent("Fixtures", isDirectory: true)

  /// Path of a capture, such as `Fixture.capture("http.pcap")`.
  public static func capture(_ name: String) -> String {
    folder.appendingPathComponent("captures").appendingPathComponent(name).path
  }

  /// Names of all captures in order, such as `arp.pcap`.
  public static let all: [String] = names(in: "captures").filter { $0.hasSuffix(".pcap") || $0.hasSuffix(".pcapng") }

  /// Expected output for captures: `Fixtures/text/<name>.<flags>.txt`, where `<flags>` are the options as typed, without spaces
  /// (`http.-nnvv.txt` is `-nn -vv`), and `<name>` is the capture's name without `.pcap`.
  public static let texts: [ExpectedText] = names(in: "text").compactMap(ExpectedText.init(fileName:))

  /// The same for `Fixtures/forms`, which also holds the captures: packets that hardly any program sends.
  public static let forms: [ExpectedText] = names(in: "forms").compactMap(ExpectedText.init(formFileName:))

  /// Names of the files in a folder of `Fixtures`, sorted; empty if the folder does not exist.
  public static func names(in subfolder: String) -> [String] {
    let path = folder.appendingPathComponent(subfolder).path
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return names.sorted()
  }
}

/// One file of `Fixtures/text` or `Fixtures/forms`: a capture, flags, and the expected output.
public struct ExpectedText: Sendable, CustomStringConvertible {
  /// The file's name, such as `http.-nnvv.txt`.
  public let fileName: String
  /// Path of the capture.
  public let capture: String
  /// The flags as one bundle with its minus sign, or empty.
  public let flags: [String]

  init?(fileName: String) {
    let parts = fileName.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard parts.count >= 3, parts.last == "txt" else { return nil }
    let name = parts.dropLast(2).joined(separator: ".")
    let flags = parts[parts.count - 2]
    guard let capture = Fixture.all.first(where: { $0 == name + ".pcap" || $0 == name + ".pcapng" }) else { return nil }
    self.fileName = fileName
    self.capture = Fixture.capture(capture)
    self.flags = flags.isEmpty ? [] : [flags]
  }

  init?(formFileName fileName: String) {
    let parts = fileName.split(separator: ".").map(String.init)
    guard parts.count == 3, parts[2] == "txt" else { return nil }
    let forms = Fixture.folder.appendingPathComponent("forms")
    self.fileName = fileName
    capture = forms.appendingPathComponent(parts[0] + ".pcap").path
    flags = [parts[1]]
  }

  /// The text in the file.
  public var expected: String {
    get throws {
      let isForm = URL(fileURLWithPath: capture).deletingLastPathComponent().lastPathComponent == "forms"
      let file = Fixture.folder.appendingPathComponent(isForm ? "forms" : "text").appendingPathComponent(fileName)
      return try String(contentsOf: file, encoding: .utf8)
    }
  }

  public var description: String { fileName }
}

/// Conformance data that is not part of the project: the folder `shared` next to the package root, where it exists.
///
/// A test that needs it declares `@Test(.enabled(if: SharedData.isPresent, SharedData.absence))`.
public enum SharedData {
  /// The folder `../shared/conformance`, or nil.
  public static let conformance: URL? = {
    let folder = Fixture.packageRoot.deletingLastPathComponent().appendingPathComponent("shared/conformance")
    return FileManager.default.fileExists(atPath: folder.path) ? folder : nil
  }()

  /// A file below that folder, such as `filters/accept.json`; nil if it does not exist.
  public static func file(_ path: String) -> URL? {
    guard let file = conformance?.appendingPathComponent(path), FileManager.default.fileExists(atPath: file.path) else {
      return nil
    }
    return file
  }

  /// True if the conformance data exists.
  public static var isPresent: Bool { conformance != nil }

  /// The reason given for skipping a test without the data.
  public static let absence = "the conformance data is not there: ../shared/conformance beside the package"
}
