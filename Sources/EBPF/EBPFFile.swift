public import BPF

/// A program from a file, in any of the usual exchange formats.
public enum EBPFFile {
  /// The program in these bytes: an object file (`section` selects the part), encoded instructions, the same as hexadecimal digits, or the
  /// text of `EBPFAssembler`.
  public static func program(_ octets: [UInt8], section: String? = nil) throws(AssemblyError) -> EBPFProgram {
    if ELFObject.isELF(octets) {
      return try program(stored: code(octets, section))
    }
    guard section == nil else { throw AssemblyError(line: nil, message: "not an ELF file, so it has no sections") }
    guard octets.allSatisfy(isText) else { return try program(stored: octets) }
    if let digits = Self.octets(hexadecimal: octets) { return try program(stored: digits) }
    return try EBPFAssembler.assemble(String(decoding: octets, as: UTF8.self))
  }

  private static func code(_ object: [UInt8], _ section: String?) throws(AssemblyError) -> [UInt8] {
    do throws(ELFError) {
      return try ELFObject(object).program(section: section)
    } catch {
      throw AssemblyError(line: nil, message: error.description)
    }
  }

  private static func program(stored octets: [UInt8]) throws(AssemblyError) -> EBPFProgram {
    do throws(EBPFProgramError) {
      return try EBPFProgram(octets: octets)
    } catch {
      throw AssemblyError(line: nil, message: error.description)
    }
  }

  /// Text contains no control characters except white space; every encoded program does, since `exit` does.
  private static func isText(_ octet: UInt8) -> Bool { octet >= 0x20 && octet < 0x7f || (0x09...0x0d).contains(octet) }

  /// The bytes given as pairs of hexadecimal digits, with or without blanks between them; nil if the text contains anything else.
  public static func octets(hexadecimal text: some Sequence<UInt8>) -> [UInt8]? {
    var octets: [UInt8] = []
    var high: UInt8?
    for character in text where !(character == 0x20 || (0x09...0x0d).contains(character)) {
      guard let digit = hexDigit(character) else { return nil }
      if let first = high {
        octets.append(first << 4 | digit)
        high = nil
      } else {
        high = digit
      }
    }
    return high == nil ? octets : nil
  }

  private static func hexDigit(_ character: UInt8) -> UInt8? {
    switch character {
    case 0x30...0x39: character - 0x30
    case 0x41...0x46: character - 0x41 + 10
    case 0x61...0x66: character - 0x61 + 10
    default: nil
    }
  }
}
