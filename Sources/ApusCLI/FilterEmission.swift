import BPF
import Capture
import EBPF
import Filter
import Glibc
import PacketCore
import Savefile

/// What to print of a filter.
enum FilterDump {
  /// As with `-d`, `-dd` or `-ddd`.
  case classic(DumpForm)
  /// As with `--emit`.
  case emission(FilterEmission)
  /// For people, as with `--annotate` or `--graph`.
  case listing(ListingForm)
  /// Likely mistakes in the expression (`--lint`).
  case lint
}

/// The settings of `--emit`.
struct FilterEmission {
  enum Form: String, CaseIterable {
    case text = "ebpf"
    case instructions = "ebpf-bytes"
    case object = "ebpf-elf"
    case cSource = "c"
  }

  let form: Form
  let type: EBPFProgramType
  /// The file to write; nil for standard output.
  let path: String?

  init?(_ options: EBPFOptions, path: String?) throws(CommandError) {
    let type = try options.programType.map { name throws(CommandError) in try EBPFProgramType(option: name) }
    guard let name = options.emit else { return nil }
    guard let form = Form(rawValue: name) else {
      let forms = Form.allCases.map(\.rawValue).joined(separator: ", ")
      throw CommandError("unknown form '\(name)': use one of \(forms)")
    }
    self.form = form
    self.type = type ?? .socketFilter
    self.path = path == "-" ? nil : path
  }

  /// Writes the program, with the expression that it was compiled from.
  func write(_ program: Program, _ filter: FilterSource) throws(CommandError) {
    let expression = filter.expression
    let comment: String
    switch filter {
    case .expression(let words): comment = words.isEmpty ? "every packet" : words
    case .bytecode(let bytecode, let path): comment = bytecode.expression ?? "the program in \(path)"
    }
    var out = TextBuffer()
    do throws(TranslationError) {
      switch form {
      case .text:
        let translated = try Translator.translate(program, to: type)
        out.write("; \(type.name): \(comment.split(whereSeparator: \.isNewline).joined(separator: " "))\n")
        translated.write(expression: expression, to: &out)
      case .instructions: Self.append(try Translator.translate(program, to: type).octets, to: &out)
      case .object:
        Self.append(
          ELFObject.octets(of: try Translator.translate(program, to: type), as: type, comment: comment), to: &out)
      case .cSource: try CSource.write(program, as: type, comment: comment, to: &out)
      }
    } catch {
      throw CommandError(complete: FilterError(error.description, at: error.source).rendered(expression: expression))
    }
    try store(&out)
  }

  private static func append(_ octets: [UInt8], to out: inout TextBuffer) {
    for octet in octets { out.write(byte: octet) }
  }

  private func store(_ out: inout TextBuffer) throws(CommandError) {
    guard let path else {
      if form == .instructions || form == .object, isatty(STDOUT_FILENO) == 1 {
        throw CommandError("refusing to write \(form.rawValue) to a terminal: use -w FILE")
      }
      if form != .instructions, form != .object { out.makeVisible() }
      if let code = StandardStreams.write(&out), code != EPIPE {
        throw CommandError("unable to write output: \(unsafe String(cString: strerror(code)))")
      }
      return
    }
    let descriptor: CInt
    do throws(SavefileError) {
      descriptor = try OutputDescriptor.open(path)
    } catch {
      throw CommandError(error.description)
    }
    let code = out.flush(to: descriptor)
    let closed = close(descriptor)
    if let code = code ?? (closed == 0 ? nil : errno) {
      throw CommandError("\(path): \(unsafe String(cString: strerror(code)))")
    }
  }
}

extension KernelFilter.Form {
  /// The argument of `--kernel-filter`; nil if there is none.
  init?(_ options: EBPFOptions) throws(CommandError) {
    switch options.kernelFilter {
    case nil, "auto": return nil
    case "classic": self = .classic
    case "ebpf": self = .extended
    case let other?: throw CommandError("unknown kernel filter '\(other)': use classic, ebpf or auto")
    }
  }
}
